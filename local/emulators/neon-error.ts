/** An error that Neon's proxy answers instead of rows. */
export class NeonRefusal extends Error {
  readonly status: number;
  readonly fields: NeonErrorFields;

  constructor(status: number, message: string, fields: NeonErrorFields = {}) {
    super(message);
    this.status = status;
    this.fields = fields;
  }
}

/** What Postgres reports with an error beside its message, under Neon's names. */
interface NeonErrorFields {
  readonly code?: string | undefined;
  readonly severity?: string | undefined;
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
  readonly position?: string | undefined;
  readonly internalPosition?: string | undefined;
  readonly internalQuery?: string | undefined;
  readonly where?: string | undefined;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  readonly schema?: string | undefined;
  readonly dataType?: string | undefined;
  readonly constraint?: string | undefined;
  readonly file?: string | undefined;
  readonly line?: string | undefined;
  readonly routine?: string | undefined;
}

/** The body of an error as Neon writes it. A missing code or severity is empty; any other missing field is null. */
export function errorBody(message: string, fields: NeonErrorFields = {}): string {
  return JSON.stringify({
    message,
    code: fields.code ?? "",
    detail: fields.detail ?? null,
    hint: fields.hint ?? null,
    position: fields.position ?? null,
    internalPosition: fields.internalPosition ?? null,
    internalQuery: fields.internalQuery ?? null,
    severity: fields.severity ?? "",
    where: fields.where ?? null,
    table: fields.table ?? null,
    column: fields.column ?? null,
    schema: fields.schema ?? null,
    dataType: fields.dataType ?? null,
    constraint: fields.constraint ?? null,
    file: fields.file ?? null,
    line: fields.line ?? null,
    routine: fields.routine ?? null,
  });
}

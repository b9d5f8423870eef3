/**
 * The Sql port: a tagged template of whole statements.
 *
 * Rows in and out of a statement travel as one `${JSON.stringify(rows)}::text::jsonb` parameter; bigint and counts are
 * cast in SQL (`::text`, `::float8` or int4), because the drivers disagree on both. What every driver answers alike:
 * text as string, int4 and float8 as number, boolean, timestamptz as Date, date as Date at midnight UTC, jsonb parsed,
 * text[] as string[], bytea as Buffer, null; int8, numeric and every other type as its text. Sessions are in UTC.
 */
export type SqlValue = string | number | boolean | Date | null | readonly string[];

/** A statement that is sent when it is awaited, or when it is part of a `transaction` list. It is sent once. */
export interface Query<Row = Record<string, unknown>> extends PromiseLike<Row[]> {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

export interface Sql {
  /**
   * One statement. Every `${value}` becomes a parameter.
   * @throws StillupError `database_unavailable` when the database cannot be reached in time (the statement may or may
   * not have been carried out), `database_error` with its `sqlState` when it refuses the statement.
   */
  <Row = Record<string, unknown>>(strings: TemplateStringsArray, ...values: readonly SqlValue[]): Query<Row>;
  /** The statements in order as one transaction (read committed), with the rows of each. All or nothing. */
  transaction(queries: readonly Query<unknown>[]): Promise<unknown[][]>;
}

/** An Sql that its maker must close. */
export interface SqlDriver extends Sql {
  /**
   * Statements without parameters, separated by semicolons, as one implicit transaction: for migrations. May take
   * minutes. Throws like a statement; the text must not begin or end a transaction itself.
   */
  script(text: string): Promise<void>;
  /** Resolves when no connection is left open; at most 5 s. */
  close(): Promise<void>;
}

/**
 * A parameter of a statement. Many rows go in as one `${JSON.stringify(rows)}::text::jsonb`.
 *
 * Every adapter returns the same for a column: text as string, int4 and float8 as number, boolean, timestamptz as Date,
 * date as Date at midnight UTC, jsonb parsed, text[] as string[], bytea as Buffer, null; int8, numeric and every other
 * type as its text. So counts are cast in SQL (`::int`, `::float8`). Sessions are in UTC.
 */
export type SqlValue = string | number | boolean | Date | null | readonly string[];

/** A statement. It is sent once: when it is awaited, or as part of a `transaction`. */
export interface Query<Row = Record<string, unknown>> extends PromiseLike<Row[]> {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

/** The Sql port: a tagged template of whole statements. */
export interface Sql {
  /**
   * One statement. Every `${value}` becomes a parameter.
   * @throws StillupError `database_unavailable` when the database does not answer in time, and may have carried the
   * statement out all the same; `database_error` with its `sqlState` when it refuses the statement.
   */
  <Row = Record<string, unknown>>(strings: TemplateStringsArray, ...values: readonly SqlValue[]): Query<Row>;
  /** The statements in order as one transaction (read committed), with the rows of each. All or nothing. */
  transaction(queries: readonly Query<unknown>[]): Promise<unknown[][]>;
}

/** An Sql that its creator must close. */
export interface SqlDriver extends Sql {
  /**
   * For migrations: statements without parameters, separated by semicolons, as one implicit transaction. May take
   * minutes. Throws like a statement. The text must not begin or end a transaction itself.
   */
  script(text: string): Promise<void>;
  /** Resolves when no connection is left open; at most 5 s. */
  close(): Promise<void>;
}

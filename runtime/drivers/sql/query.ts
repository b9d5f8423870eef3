import type { Query, SqlDriver, SqlValue } from "./sql.ts";
import { encodeValues } from "./values.ts";

export type Row = Record<string, unknown>;

/** A statement as it goes over the wire: `$1`, `$2`, ... in the text, every value as text or null. */
export interface Statement {
  readonly text: string;
  readonly values: readonly (string | null)[];
}

/** What an adapter provides for `createSql`. Everything throws StillupErrors. */
interface Executor {
  query(statement: Statement): Promise<Row[]>;
  transaction(statements: readonly Statement[]): Promise<Row[][]>;
  script(text: string): Promise<void>;
  close(): Promise<void>;
}

/** The Sql port on an adapter that can send statements. */
export function createSql(executor: Executor): SqlDriver {
  function tag<T = Row>(strings: TemplateStringsArray, ...values: readonly SqlValue[]): Query<T> {
    return new LazyQuery<T>(executor, textOf(strings), values);
  }
  return Object.assign(tag, {
    transaction: async (queries: readonly Query<unknown>[]) => transaction(executor, queries),
    script: (text: string) => executor.script(text),
    close: () => executor.close(),
  });
}

/** Sent when it is first awaited, or as part of a list. Awaited again, it gives the same rows. */
class LazyQuery<T> implements Query<T> {
  readonly text: string;
  readonly values: readonly SqlValue[];
  readonly #executor: Executor;
  #rows: Promise<T[]> | undefined;
  #list: { readonly rows: Promise<Row[][]>; readonly index: number } | undefined;

  constructor(executor: Executor, text: string, values: readonly SqlValue[]) {
    this.#executor = executor;
    this.text = text;
    this.values = values;
  }

  // biome-ignore lint/suspicious/noThenProperty: awaiting a query is how it is sent.
  then<A = T[], B = never>(
    onRows?: ((rows: T[]) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#rows ??= this.#send();
    return this.#rows.then(onRows, onError);
  }

  /** Makes it part of a list: it can no longer be sent alone. */
  join(rows: Promise<Row[][]>, index: number): void {
    this.#list = { rows, index };
  }

  get isSent(): boolean {
    return this.#rows !== undefined || this.#list !== undefined;
  }

  // The caller says what its statement selects.
  async #send(): Promise<T[]> {
    if (this.#list !== undefined) return (await this.#list.rows)[this.#list.index] as T[];
    return (await this.#executor.query(statementOf(this))) as T[];
  }
}

function transaction(executor: Executor, queries: readonly Query<unknown>[]): Promise<unknown[][]> {
  if (queries.length === 0) return Promise.resolve([]);
  const lazy = queries.map((query) => {
    if (!(query instanceof LazyQuery) || query.isSent) {
      throw new TypeError(`A transaction takes statements that were not sent before: ${query.text}`);
    }
    return query;
  });
  if (new Set(lazy).size !== lazy.length) throw new TypeError("A transaction takes each statement once.");
  const rows = executor.transaction(lazy.map(statementOf));
  lazy.forEach((query, index) => {
    query.join(rows, index);
  });
  return rows;
}

function statementOf(query: Query<unknown>): Statement {
  return { text: query.text, values: encodeValues(query.values) };
}

const texts = new WeakMap<TemplateStringsArray, string>();

/** Made once for each template in the source, whose strings are the same object at every evaluation. */
function textOf(strings: TemplateStringsArray): string {
  const known = texts.get(strings);
  if (known !== undefined) return known;
  const text = strings.reduce((before, part, index) => `${before}$${index}${part}`);
  texts.set(strings, text);
  return text;
}

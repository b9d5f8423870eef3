import { Client, type QueryArrayConfig, type QueryArrayResult } from "pg";

export interface Credentials {
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export interface NeonStatement {
  readonly query: string;
  readonly params: readonly (string | null)[];
}

export type Rows = QueryArrayResult<(string | null)[]>;

/** A session with the Postgres behind the emulator. */
export interface Session {
  readonly isOpen: boolean;
  /** Runs one unnamed prepared statement. Its columns are text. */
  query(statement: NeonStatement): Promise<Rows>;
  /** Cancels the session's statement. */
  cancel(): Promise<void>;
  /** Resets the session and keeps it for the next client with the same credentials. */
  giveBack(): Promise<void>;
  end(): Promise<void>;
}

export interface Sessions {
  /** An idle session or a new one. Throws the error of Postgres or of the network. */
  take(who: Credentials): Promise<Session>;
  close(): Promise<void>;
}

export interface PostgresAddress {
  readonly host: string;
  readonly port: number;
}

const types = { getTypeParser: () => (text: string) => text };

/** Pools sessions as Neon's proxy does. Only user, password and database of a client's URL reach Postgres. */
export function createSessions(address: PostgresAddress): Sessions {
  const idle = new Map<string, Session[]>();
  const open = new Set<Client>();

  const connect = async (who: Credentials): Promise<Client> => {
    const client = new Client({ ...address, ...who, ssl: false });
    const forget = () => open.delete(client);
    client.on("error", forget).on("end", forget);
    await client.connect();
    open.add(client);
    return client;
  };
  const openSession = async (who: Credentials): Promise<Session> => {
    const client = await connect(who);
    const { processID } = client as unknown as { processID: number }; // missing in the library's types
    const session: Session = {
      get isOpen() {
        return open.has(client);
      },
      query: ({ query, params }) => client.query(extended(query, params)),
      async cancel() {
        const other = await connect(who);
        await other.query("select pg_cancel_backend($1)", [processID]).finally(() => other.end());
      },
      async giveBack() {
        await client.query("discard all"); // fails inside a transaction, for example after a failed rollback
        listOf(idle, who).push(session);
      },
      end: () => client.end(),
    };
    return session;
  };
  return {
    async take(who) {
      const list = listOf(idle, who);
      for (let last = list.pop(); last !== undefined; last = list.pop()) {
        if (last.isOpen) return last;
      }
      return await openSession(who);
    },
    async close() {
      idle.clear();
      await Promise.all([...open].map((client) => client.end()));
    },
  };
}

function extended(text: string, params: readonly (string | null)[]): QueryArrayConfig {
  // `queryMode` is missing in the library's types. Without it a text without parameters may hold several statements.
  const config = { text, values: [...params], rowMode: "array" as const, queryMode: "extended", types };
  return config;
}

function listOf(idle: Map<string, Session[]>, who: Credentials): Session[] {
  const key = JSON.stringify([who.user, who.password, who.database]);
  const list = idle.get(key) ?? [];
  idle.set(key, list);
  return list;
}

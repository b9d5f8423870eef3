import { Agent, buildConnector } from "undici";
import { createAuthority } from "../local/emulators/certificate.ts";
import { type NeonEmulator, type NeonEmulatorOptions, startNeonEmulator } from "../local/emulators/neon.ts";

/** A name of Neon's form. The region is none of Neon's, so nothing reaches the real one by mistake. */
export const NEON_HOST = "ep-test-stillup-00000000.c-0.local-1.aws.neon.tech";

/** Neon's emulator in front of a Postgres that a test has. */
export interface TestNeon {
  readonly emulator: NeonEmulator;
  /** The URL of a database behind it, by Neon's name and as Neon's console writes it. */
  urlOf(databaseUrl: string): string;
  /** For `createNeonSql`: its requests go to the emulator, and its authority is trusted. */
  readonly fetchOptions: { readonly dispatcher: Agent };
  /** The same, but connected as the test says, which may go on to `connect`. */
  fetchVia(connect: buildConnector.connector): { readonly dispatcher: Agent };
  readonly connect: buildConnector.connector;
  /** Where it listens, whatever a URL says. */
  readonly address: { readonly hostname: string; readonly port: string };
  /** Its authority, in PEM, for processes of their own. */
  readonly ca: string;
  close(): Promise<void>;
}

export async function startNeon(postgresUrl: string, limits: Partial<NeonEmulatorOptions> = {}): Promise<TestNeon> {
  const { hostname, port } = new URL(postgresUrl);
  const authority = await createAuthority();
  const postgres = { host: hostname, port: Number(port || 5432) };
  const emulator = await startNeonEmulator({ postgres, host: NEON_HOST, authority, ...limits });
  const secure = buildConnector({ ca: authority.cert, maxCachedSessions: 0 });
  const address = { hostname: "127.0.0.1", port: String(emulator.httpsPort) };
  const connect: buildConnector.connector = (options, done) =>
    secure({ ...options, ...address, servername: options.hostname }, done);
  const agents: Agent[] = [];
  const fetchVia = (via: buildConnector.connector) => {
    const dispatcher = new Agent({ connect: via });
    agents.push(dispatcher);
    return { dispatcher };
  };
  return {
    emulator,
    connect,
    address,
    ca: authority.cert,
    fetchVia,
    fetchOptions: fetchVia(connect),
    urlOf(databaseUrl) {
      const url = new URL(databaseUrl);
      url.host = NEON_HOST.replace(".", "-pooler.");
      url.port = "";
      return `${url.href}?sslmode=require&channel_binding=require`;
    },
    async close() {
      await Promise.all(agents.map((agent) => agent.close()));
      await emulator.close();
    },
  };
}

import { randomBytes } from "node:crypto";
import { createAuthority } from "../local/emulators/certificate.ts";
import { startNeonEmulator } from "../local/emulators/neon.ts";
import { startUpstashEmulator } from "../local/emulators/upstash.ts";
import { NEON_HOST } from "../testing/neon.ts";
import { type Delay, startDelay } from "./delay.ts";
import type { Route } from "./traffic.ts";

const STREAM_HOST = "bench.upstash.example";

export interface EmulatorOptions {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** To each of them; none when left out. */
  readonly roundTripMs?: number;
}

/** What the services would be billed for, so far. */
export interface Billed {
  /** Redis commands by their names. */
  readonly commands: Readonly<Record<string, number>>;
  /** Requests to the database: a statement, or a list of them. */
  readonly sqlTrips: number;
}

/** Neon and Upstash as Stillup is configured for them. */
export interface Emulators {
  readonly variables: Readonly<Record<string, string>>;
  readonly route: Route;
  billed(): Billed;
  stop(): Promise<void>;
}

/** The emulators over TLS, in front of a Postgres and a Redis. */
export async function startEmulators({ databaseUrl, redisUrl, roundTripMs }: EmulatorOptions): Promise<Emulators> {
  const authority = await createAuthority();
  const token = randomBytes(16).toString("base64url");
  const { hostname, port } = new URL(databaseUrl);
  const neon = await startNeonEmulator({
    postgres: { host: hostname, port: Number(port || 5432) },
    host: NEON_HOST,
    authority,
  });
  const upstash = await startUpstashEmulator({ redisUrl, token, tls: { authority, name: STREAM_HOST } });
  const ports = { sqlPort: neon.httpsPort, streamPort: Number(new URL(upstash.url).port) };
  const delays: Delay[] = [];
  if (roundTripMs !== undefined) {
    for (const name of ["sqlPort", "streamPort"] as const) {
      const delay = await startDelay(ports[name], roundTripMs);
      ports[name] = delay.port;
      delays.push(delay);
    }
  }
  return {
    variables: {
      DATABASE_URL: neonUrl(databaseUrl),
      UPSTASH_REDIS_REST_URL: `https://${STREAM_HOST}`,
      UPSTASH_REDIS_REST_TOKEN: token,
    },
    route: { ca: authority.cert, streamHost: STREAM_HOST, ...ports },
    billed: () => ({
      commands: Object.fromEntries(upstash.billed),
      sqlTrips: neon.counts.query + neon.counts.transaction,
    }),
    async stop() {
      await Promise.all(delays.map((delay) => delay.stop()));
      await Promise.all([upstash.close(), neon.close()]);
    },
  };
}

function neonUrl(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.host = NEON_HOST.replace(".", "-pooler.");
  url.port = "";
  return `${url.href}?sslmode=require&channel_binding=require`;
}

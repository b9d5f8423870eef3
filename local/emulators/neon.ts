import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Server, Socket } from "node:net";
import { createSecureContext } from "node:tls";
import type { Authority } from "./certificate.ts";
import { createNeonFaults, type NeonFaultPlayer } from "./neon-faults.ts";
import { createSqlListener, type NeonCounts } from "./neon-http.ts";
import { createSessions, type PostgresAddress } from "./neon-sessions.ts";
import { createTcpServer } from "./neon-tcp.ts";

/** Where the emulator listens, and what is behind it. */
export interface NeonEmulatorOptions {
  /** The Postgres behind it. Its users may log in here. */
  readonly postgres: PostgresAddress;
  /** The host name in Neon's form, `ep-<name>.<rest>`. `ep-<name>-pooler.<rest>` is served too. */
  readonly host: string;
  readonly authority: Authority;
  /** The address to listen on. Default: 127.0.0.1. */
  readonly listenOn?: string;
  /** Default: a free port. Neon's driver uses 443 whatever the URL says. */
  readonly httpsPort?: number;
  /** Default: a free port. */
  readonly tcpPort?: number;
  /** Default: 10 MiB, as in Neon's proxy. */
  readonly maxRequestBytes?: number;
  /** Default: 10 MiB, as in Neon's proxy. */
  readonly maxResponseBytes?: number;
}

/** A running emulator of Neon. */
export interface NeonEmulator {
  readonly httpsPort: number;
  readonly tcpPort: number;
  readonly faults: NeonFaultPlayer;
  /** The requests and statements so far. */
  readonly counts: Readonly<NeonCounts>;
  close(): Promise<void>;
}

const MIB = 1024 * 1024;

/**
 * Starts an emulator of Neon in front of any Postgres. It serves SQL over HTTPS, and Postgres' protocol over TLS. Its
 * certificate names the host, the pooled host, and `api.<rest>`, which Neon's driver posts to.
 */
export async function startNeonEmulator(options: NeonEmulatorOptions): Promise<NeonEmulator> {
  const { postgres, authority, maxRequestBytes = 10 * MIB, maxResponseBytes = 10 * MIB } = options;
  const [endpoint = "", ...rest] = options.host.split(".");
  const names = [endpoint, `${endpoint}-pooler`, "api"].map((label) => [label, ...rest].join("."));
  const isEndpoint = (host: string) => names.slice(0, 2).includes(host.toLowerCase());
  const valid = await authority.issue(names);
  const expired = await authority.issue(names, { until: new Date(Date.now() - 86_400_000) });

  const sessions = createSessions(postgres);
  const faults = createNeonFaults();
  const counts: NeonCounts = { query: 0, transaction: 0, statements: {} };
  const listener = createSqlListener({ sessions, faults, counts, isEndpoint, maxRequestBytes, maxResponseBytes });
  const secureContext = () => createSecureContext(faults.current.expiredCertificate ? expired : valid);
  const https = createHttpsServer(
    { ...valid, keepAliveTimeout: 60_000, SNICallback: (_, done) => done(null, secureContext()) },
    listener,
  );
  const tcp = createTcpServer({ postgres, faults, isEndpoint, secureContext });

  const listenOn = options.listenOn ?? "127.0.0.1";
  const stopHttps = await listen(https, options.httpsPort ?? 0, listenOn);
  const stopTcp = await listen(tcp, options.tcpPort ?? 0, listenOn);
  return {
    httpsPort: (https.address() as AddressInfo).port,
    tcpPort: (tcp.address() as AddressInfo).port,
    faults,
    counts,
    async close() {
      await Promise.all([stopHttps(), stopTcp()]);
      await sessions.close();
    },
  };
}

/** Resolves when the server listens. Returns what closes it and its connections. */
async function listen(server: Server, port: number, host: string): Promise<() => Promise<void>> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, host, resolve);
  });
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
}

import type { Server, ServerOptions } from "node:http";
import type { AddressInfo } from "node:net";
import { StillupError } from "../runtime/errors.ts";

/** For `createServer`: what a slow or endless request may take. */
export const limits = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  /** For all of a request, its body included. */
  requestTimeout: 20_000,
  connectionsCheckingInterval: 1000,
  /** Longer than usual for a proxy, so that the proxy closes idle connections first. */
  keepAliveTimeout: 65_000,
} satisfies ServerOptions;
const MAX_CONNECTIONS = 4096;
/** Of a connection on which nothing moves, such as one whose client does not read its answer. */
const STALLED_MS = 70_000;

/** Where a server listens. `variable` is what sets the port, for messages. */
export interface ListenAddress {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly variable: "PORT" | "WORKER_PORT";
}

interface Listening {
  /** Such as `http://127.0.0.1:3000`. */
  readonly url: string;
  /** Requests that have begun and are not answered. */
  active(): number;
  /**
   * Takes no new connection, and resolves when every answer is sent and every connection closed. What is not answered
   * after `graceMs` is broken off.
   */
  close(graceMs: number): Promise<void>;
}

/**
 * Resolves once the server listens.
 * @throws StillupError `invalid_configuration` that names the variable to change.
 */
export async function listen(server: Server, place: ListenAddress): Promise<Listening> {
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = STALLED_MS;
  let active = 0;
  let closing = false;
  server.on("request", (_request, response) => {
    active += 1;
    response.once("close", () => {
      active -= 1;
      if (closing && active === 0) server.closeAllConnections();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(cannotListen(error, place)));
    server.listen({ host: place.host, port: place.port }, resolve);
  });
  return {
    url: urlOf(server.address() as AddressInfo),
    active: () => active,
    close: (graceMs) =>
      new Promise((resolve) => {
        closing = true;
        const timer = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
        if (active === 0) server.closeAllConnections();
      }),
  };
}

function urlOf({ family, address, port }: AddressInfo): string {
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}

function cannotListen({ code, message }: NodeJS.ErrnoException, { host, port, variable }: ListenAddress): StillupError {
  if (code === "EADDRINUSE") {
    return refuse(`Port ${port} on ${host} is taken. Stop the program that has it, or set ${variable} to a free port.`);
  }
  if (code === "EACCES") return refuse(`Port ${port} needs a privileged user. Set ${variable} to one from 1024 up.`);
  return refuse(`Nothing can listen on HOST ${host}, ${variable} ${port}: ${message}`);
}

function refuse(detail: string): StillupError {
  return new StillupError("invalid_configuration", detail);
}

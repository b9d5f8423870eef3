import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Certificate } from "../local/emulators/certificate.ts";

/** A server on a free port of 127.0.0.1. */
export interface TestServer {
  readonly port: number;
  /** `http://127.0.0.1:<port>`, or https. */
  readonly url: string;
  /** Connections taken so far. */
  connections(): number;
  /** Resolves when every connection so far has been closed by the other side, or by a handler. */
  abandoned(): Promise<void>;
  close(): Promise<void>;
}

export function serveHttp(handler: RequestListener): Promise<TestServer> {
  return start("http", createHttpServer(handler));
}

export function serveHttps(certificate: Certificate, handler: RequestListener): Promise<TestServer> {
  return start("https", createHttpsServer(certificate, handler));
}

/** Whatever `handler` does with a connection; errors of the sockets are nobody's business. */
export function serveTcp(handler: (socket: Socket) => void): Promise<TestServer> {
  return start("http", createTcpServer(handler));
}

/** Answers every request with these bytes and closes the connection. */
export function serveBytes(...parts: readonly (string | Buffer)[]): Promise<TestServer> {
  return serveTcp((socket) => {
    socket.once("data", () => {
      for (const part of parts) socket.write(part);
      socket.end();
    });
  });
}

/** Ends a TLS handshake as it should, then sends what is not TLS, as some servers refuse a client after all. */
export async function serveBrokenTls(certificate: Certificate): Promise<TestServer> {
  const inner = createTlsServer(certificate);
  await new Promise<void>((resolve) => inner.listen(0, "127.0.0.1", resolve));
  const { port } = inner.address() as AddressInfo; // it listens on TCP
  const outer = await serveTcp((socket) => {
    const behind = connect(port, "127.0.0.1");
    behind.on("error", () => {});
    socket.pipe(behind).pipe(socket);
    inner.once("secureConnection", (secured) => {
      secured.on("error", () => {});
      secured.resume();
      socket.write("This is not TLS.");
    });
    socket.once("close", () => behind.destroy());
  });
  const close = async () => {
    await outer.close();
    await new Promise((resolve) => inner.close(resolve));
  };
  return { ...outer, url: `https://127.0.0.1:${outer.port}`, close };
}

async function start(scheme: "http" | "https", server: Server): Promise<TestServer> {
  const open = new Set<Socket>();
  let connections = 0;
  server.on("connection", (socket) => {
    connections++;
    open.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => open.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const abandoned = async () => {
    await Promise.all([...open].map((socket) => new Promise((resolve) => socket.once("close", resolve))));
  };
  return {
    port,
    url: `${scheme}://127.0.0.1:${port}`,
    connections: () => connections,
    abandoned,
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of open) socket.destroy();
      return closed;
    },
  };
}

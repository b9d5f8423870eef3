import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A way that takes its time. */
export interface Delay {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * Puts a network between clients and the server on a port of this machine: every byte takes half a round trip, and a
 * new connection a whole one first, so that TLS handshakes cost what they would.
 */
export async function startDelay(toPort: number, roundTripMs: number): Promise<Delay> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket.setNoDelay());
    socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
  };
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (client) => {
    keep(client);
    setTimeout(() => {
      const upstream = connect({ port: toPort, host: "127.0.0.1", allowHalfOpen: true });
      keep(upstream);
      carry(client, upstream, roundTripMs / 2);
      carry(upstream, client, roundTripMs / 2);
      client.resume();
    }, roundTripMs);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port, // it listens on TCP
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Timers of one length end in the order in which they began. */
function carry(from: Socket, to: Socket, ms: number): void {
  from.on("data", (part) => setTimeout(() => to.writable && to.write(part), ms));
  from.on("end", () => setTimeout(() => to.end(), ms));
  from.on("error", () => to.destroy());
}

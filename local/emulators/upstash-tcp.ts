import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import { createServer, type TlsOptions } from "node:tls";

interface UpstashTcpOptions {
  readonly redisUrl: string;
  readonly tls: TlsOptions;
  readonly host: string;
  readonly port: number;
}

/** Redis' own protocol under TLS, as `rediss://` speaks it; behind TLS the bytes go through, the password's included. */
export async function startUpstashTcp({ redisUrl, tls, host, port }: UpstashTcpOptions) {
  const redis = new URL(redisUrl);
  const sockets = new Set<Socket>();
  const server = createServer(tls, (client) => {
    const behind = connect({ host: redis.hostname, port: Number(redis.port || 6379) });
    for (const [from, to] of [
      [client, behind],
      [behind, client],
    ] as const) {
      sockets.add(from);
      // Either end takes the other with it.
      from.on("error", () => to.destroy()).on("close", () => sockets.delete(from) && to.destroy());
      from.pipe(to);
    }
  });
  server.listen(port, host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import { createServer, type TlsOptions } from "node:tls";
import { pipeBothWays } from "./pipe.ts";

interface UpstashTcpOptions {
  readonly redisUrl: string;
  readonly tls: TlsOptions;
  readonly host: string;
  readonly port: number;
}

/** Redis' own protocol over TLS, for `rediss://`. It forwards all bytes, the password's included. */
export async function startUpstashTcp({ redisUrl, tls, host, port }: UpstashTcpOptions) {
  const redis = new URL(redisUrl);
  const sockets = new Set<Socket>();
  const server = createServer(tls, (client) => {
    const behind = connect({ host: redis.hostname, port: Number(redis.port || 6379) });
    pipeBothWays(client, behind);
    for (const socket of [client, behind]) {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
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

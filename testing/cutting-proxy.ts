import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Carries TCP to a port of this machine, and loses what it is told to lose. */
export interface CuttingProxy {
  readonly port: number;
  /** The next answer that holds `text` is lost, and its connection with it. Resolves when it was. */
  loseNext(text: string): Promise<void>;
  close(): Promise<void>;
}

export async function startCuttingProxy(to: number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let toLose: { readonly text: string; readonly lost: () => void } | undefined;
  const server = createServer((client) => {
    const behind = connect({ host: "127.0.0.1", port: to });
    const end = () => {
      for (const socket of [client, behind]) {
        sockets.delete(socket);
        socket.destroy();
      }
    };
    for (const socket of [client, behind]) {
      sockets.add(socket);
      socket.on("error", end).on("close", end);
    }
    client.pipe(behind);
    behind.on("data", (data) => {
      if (toLose === undefined || !data.includes(toLose.text)) return client.write(data);
      end();
      toLose.lost();
      toLose = undefined;
      return false;
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port, // it listens on TCP
    loseNext: (text) =>
      new Promise((lost) => {
        toLose = { text, lost };
      }),
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

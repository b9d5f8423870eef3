import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createReceivers, type Receivers } from "./receivers.ts";
import { createTargets, type Targets } from "./targets.ts";

/** The run's own end of everything: what is watched, and what is told. */
export interface Host {
  readonly targets: Targets;
  readonly receivers: Receivers;
  /** A target that is never down, for `CONNECTIVITY_TARGETS`. */
  readonly controlUrl: string;
  /** How containers see a target. */
  targetUrl(name: string): string;
  receiverUrl(name: string): string;
  close(): Promise<void>;
}

/** Listens on all interfaces, because containers come in through another one than loopback. */
export async function startHost(): Promise<Host> {
  const targets = createTargets();
  const receivers = createReceivers();
  const server = createServer((request, response) => {
    const [, kind, name = ""] = (request.url ?? "").split("/");
    if (kind === "control") return void response.end("Always here.");
    if (kind === "target") return targets.answer(name, response);
    if (kind === "receiver") return void receivers.take(name, request, response).catch(() => response.destroy());
    response.writeHead(404).end();
  });
  server.listen(0, "0.0.0.0");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const url = `http://host.docker.internal:${port}`;
  return {
    targets,
    receivers,
    controlUrl: `${url}/control`,
    targetUrl: (name) => `${url}/target/${name}`,
    receiverUrl: (name) => `${url}/receiver/${name}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

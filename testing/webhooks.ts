import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { nowMs } from "./monotonic.ts";

/** A webhook as it arrived. */
export interface Arrival {
  readonly id: string;
  readonly type: string;
  /** The last part of the monitor's target: the name of its target. */
  readonly name: string;
  /** When its last byte was there, by `nowMs()`. */
  readonly atMs: number;
}

/** Takes webhooks and answers 204. */
export interface WebhookReceiver {
  readonly url: string;
  readonly arrivals: readonly Arrival[];
  close(): Promise<void>;
}

interface Body {
  readonly id: string;
  readonly type: string;
  readonly data: { readonly monitor: { readonly target: string } };
}

export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const arrivals: Arrival[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const atMs = nowMs();
      response.writeHead(204).end();
      const { id, type, data } = JSON.parse(Buffer.concat(parts).toString()) as Body; // what Stillup promises to send
      arrivals.push({ id, type, name: data.monitor.target.slice(data.monitor.target.lastIndexOf("/") + 1), atMs });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `http://127.0.0.1:${port}/`,
    arrivals,
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Redis } from "ioredis";
import { sleep } from "../../runtime/sleep.ts";
import type { Billing } from "./upstash-billing.ts";
import type { UpstashFaults } from "./upstash-faults.ts";

/** Clients that receive a channel's messages as server-sent events. */
export interface UpstashSubscriptions {
  /** Sends the channel's messages until the client goes or is cut off. */
  open(channel: string, response: ServerResponse): Promise<void>;
  /** The number of open subscriptions. */
  size(): number;
  /** Ends all subscriptions: "end" as a server that has finished, "destroy" as a broken network. */
  cut(how: "end" | "destroy"): void;
}

export function createUpstashSubscriptions(redis: Redis, faults: Readonly<UpstashFaults>, billing: Billing) {
  const open = new Set<ServerResponse>();
  const never = new AbortController().signal;

  const subscriptions: UpstashSubscriptions = {
    async open(channel, response) {
      const gone = once(response, "close");
      const subscriber = redis.duplicate();
      subscriber.on("error", () => response.destroy());
      const send = async (line: string) => {
        await sleep(faults.latencyMs / 2, never);
        if (!response.writableEnded) response.write(`data: ${line}\n\n`);
      };
      subscriber.on("message", (_channel, message) => {
        if (!faults.deaf) void send(`message,${channel},${message}`);
      });
      try {
        await subscriber.subscribe(channel);
        billing.add("subscribe");
        open.add(response);
        response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
        await send(`subscribe,${channel},1`);
        await gone;
        billing.add("unsubscribe");
      } finally {
        open.delete(response);
        subscriber.disconnect();
      }
    },
    size: () => open.size,
    cut(how) {
      for (const response of open) how === "end" ? response.end() : response.destroy();
    },
  };
  return subscriptions;
}

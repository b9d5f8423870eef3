import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { nowMs } from "../../testing/monotonic.ts";
import type { Manner, Post } from "./story.ts";

/** What is told. Each keeps a ledger of all that came, and may be told to misbehave for a while. */
export interface Receivers {
  readonly ledger: readonly Post[];
  take(receiver: string, request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Resolves with what ends it and says how many webhooks met it. */
  misbehave(receiver: string, manner: Manner): () => number;
}

/** A third try and later ones are taken: the times between tries grow up to ten minutes, and a run must end. */
const MAX_REFUSALS = 2;

export function createReceivers(): Receivers {
  const ledger: Post[] = [];
  const tries = new Map<string, number>();
  const misbehaving = new Map<string, { readonly manner: Manner; met: number }>();

  const mannerFor = (receiver: string, id: string): Manner | null => {
    const earlier = tries.get(id) ?? 0;
    tries.set(id, earlier + 1);
    const current = misbehaving.get(receiver);
    if (current === undefined || earlier >= MAX_REFUSALS) return null;
    current.met += 1;
    return current.manner;
  };

  return {
    ledger,
    async take(receiver, request, response) {
      const body = await text(request).catch(() => null);
      if (body === null) return; // whoever sent it went away in the middle
      const atMs = nowMs();
      const { id, type, data } = JSON.parse(body) as Body; // what Stillup promises to send
      const manner = mannerFor(receiver, id);
      const takenAtMs = answer(response, manner) ? nowMs() : null;
      const about = "monitor" in data ? [data.monitor.id, data.incident.id] : ["system", data.since];
      const [monitorId = "", spell = ""] = about;
      ledger.push({ id, receiver, monitorId, spell, type, atMs, takenAtMs, manner });
    },
    misbehave(receiver, manner) {
      const current = { manner, met: 0 };
      misbehaving.set(receiver, current);
      return () => {
        misbehaving.delete(receiver);
        return current.met;
      };
    },
  };
}

interface Body {
  readonly id: string;
  readonly type: string;
  readonly data:
    | { readonly monitor: { readonly id: string }; readonly incident: { readonly id: string } }
    | { readonly since: string };
}

/** Answers, or does not; says whether with 2xx. */
function answer(response: ServerResponse, manner: Manner | null): boolean {
  if (manner === null) response.writeHead(204).end();
  else if (manner === "500") response.writeHead(500).end();
  else if (manner === "429") response.writeHead(429, { "retry-after": "7" }).end();
  else if (manner === "hang-up") response.destroy();
  else if (manner !== "silence") {
    response.writeHead(200, { "content-length": 100 });
    response.write("The rest of it", () => {
      if (manner === "2xx-then-cut") response.destroy();
    });
  }
  return manner === null || manner.startsWith("2xx");
}

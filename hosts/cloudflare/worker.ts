import { requestIdOf } from "../../runtime/api/request-id.ts";
import { createRouter } from "../../runtime/api/router.ts";
import type { Variables } from "../../runtime/config/config.ts";
import { type Artefact, workOf } from "../shared/artefact.ts";
import { answer, once, openBindings } from "../shared/call.ts";

interface ExecutionContext {
  waitUntil(work: Promise<unknown>): void;
}

interface QueueMessage {
  readonly id: string;
  readonly timestamp: Date;
  readonly body: unknown;
  readonly attempts: number;
  ack(): void;
  retry(options: { delaySeconds: number }): void;
}

interface MessageBatch {
  readonly queue: string;
  readonly messages: readonly QueueMessage[];
}

const CALL_MS = 30_000;
/** Cloudflare ends a tick's or a batch's call after 15 minutes. */
const WALL_MS = 15 * 60_000;

/**
 * A Worker of Cloudflare's. Its bindings are made for each call: what one call connects to, another may not use there.
 */
export function cloudflareWorker(artefact: Artefact) {
  const router = createRouter(artefact.routes);
  const open = (variables: Variables) => openBindings("cloudflare", artefact, variables);
  return {
    async fetch(request: Request, variables: Variables, ctx: ExecutionContext): Promise<Response> {
      const call = { requestId: requestIdOf(request.headers.get("x-request-id")), deadline: Date.now() + CALL_MS };
      const options = { router, open: once(() => open(variables)), call };
      const { response, background } = await answer(request, options);
      ctx.waitUntil(background.idle());
      return response;
    },

    async queue(batch: MessageBatch, variables: Variables): Promise<void> {
      const { consumeQueue } = workOf(artefact);
      const messages = batch.messages.map(({ id, timestamp, body, attempts }) => {
        return {
          id,
          timestamp: timestamp.getTime(),
          attempts,
          body: typeof body === "string" ? body : JSON.stringify(body),
        };
      });
      const redelivered = await consumeQueue(artefact, open(variables), {
        queue: batch.queue,
        messages,
        deadline: Date.now() + WALL_MS,
        signal: new AbortController().signal,
      });
      for (const message of batch.messages) {
        const delayMs = redelivered.get(message.id);
        if (delayMs === undefined) message.ack();
        else message.retry({ delaySeconds: Math.ceil(delayMs / 1000) });
      }
    },

    async scheduled(_tick: unknown, variables: Variables): Promise<void> {
      await workOf(artefact).runTick(artefact, open(variables), Date.now() + WALL_MS);
    },
  };
}

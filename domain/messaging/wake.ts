import type { Ctx, Env } from "../../runtime/contract.ts";
import { within } from "../../runtime/with-timeout.ts";

const PATIENCE_MS = 1000;

/**
 * Rings a bell after a write. It neither fails nor holds up the write's answer: after a second at most it goes on in the
 * background, where it is tried once more. What is still unheard then, a sweep finds.
 */
export async function ring(env: Pick<Env, "log">, ctx: Ctx, send: () => Promise<void>): Promise<void> {
  const attempt = () =>
    send().then(
      () => true,
      (error: unknown) => {
        env.log.warn("A bell could not be rung.", { requestId: ctx.requestId, error: String(error) });
        return false;
      },
    );
  const first = attempt();
  if (!(await within(PATIENCE_MS, first))) ctx.waitUntil(first.then((rung) => rung || attempt()));
}

/** Rings a bell where no answer waits for it. It does not fail: what is unheard, a sweep finds. */
export async function ringOrLog({ log }: Pick<Env, "log">, send: () => Promise<void>): Promise<void> {
  await send().catch((error: unknown) => {
    log.warn("A bell could not be rung; a sweep will find what it was for.", { error: String(error) });
  });
}

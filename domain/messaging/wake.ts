import { type Ctx, type Env, SLEEPING_SCHEDULES } from "../../runtime/contract.ts";
import { withTimeout } from "../../runtime/with-timeout.ts";

const PATIENCE_MS = 1000;

/**
 * Sends a wake-up after a write. It neither fails nor holds up the write's answer: after a second at most it goes on in the
 * background, where it is tried once more. What is still unheard then, a sweep finds.
 */
export async function wake(env: Pick<Env, "log">, ctx: Ctx, send: () => Promise<void>): Promise<void> {
  const attempt = () =>
    send().then(
      () => true,
      (error: unknown) => {
        env.log.warn("A wake-up could not be sent.", { requestId: ctx.requestId, error: String(error) });
        return false;
      },
    );
  const first = attempt();
  if (!(await withTimeout(PATIENCE_MS, first))) ctx.waitUntil(first.then((woken) => woken || attempt()));
}

/** Sends a wake-up where no answer waits for it. It does not fail: what is unheard, a sweep finds. */
export async function wakeOrLog({ log }: Pick<Env, "log">, send: () => Promise<void>): Promise<void> {
  await send().catch((error: unknown) => {
    log.warn("A wake-up could not be sent; the next sweep does its work.", { error: String(error) });
  });
}

/** Makes `enqueue-checks` run now: a check is due. The other schedules, which sleep when no check is near, wake up too. */
export function wakeForChecks({ stream }: Pick<Env, "stream">): Promise<void> {
  return stream.wake("enqueue-checks", SLEEPING_SCHEDULES);
}

import type { ProcessConfig } from "../runtime/config/config.ts";
import { isTransient, StillupError } from "../runtime/errors.ts";
import { backoff, retry } from "../runtime/retry.ts";

const PATIENCE_MS = 10_000;
const ASK_AGAIN = { firstMs: 100, maxMs: 500 };

interface Waiting {
  /** What names the service. */
  readonly variable: string;
  readonly signal: AbortSignal;
}

/** The variable that names the stream service. */
export function streamVariable({ stream }: ProcessConfig) {
  return stream.driver === "http" ? "UPSTASH_REDIS_REST_URL" : "REDIS_URL";
}

/**
 * Resolves when a service answers. One that is just starting gets 10 s.
 * @throws StillupError that says what went wrong last, and which variable to look at.
 */
export async function waitFor(ask: () => PromiseLike<unknown>, { variable, signal }: Waiting): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  const when = (error: unknown) => isTransient(error) && performance.now() < until;
  try {
    await retry(ask, { delays: backoff(ASK_AGAIN), signal, when });
  } catch (error) {
    throw explain(error, variable);
  }
}

function explain(error: unknown, variable: string): unknown {
  const saysWhatToChange = error instanceof StillupError && error.message.includes("UPSTASH_REDIS_REST_");
  if (!(error instanceof StillupError) || saysWhatToChange) return error;
  const reason = error.message.replace(/\.?$/, ".");
  return new StillupError(error.code, `${reason} Check that it runs, and that ${variable} is right.`, { cause: error });
}

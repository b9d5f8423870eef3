import { errorFields, type Log } from "../runtime/log.ts";

/** npm and the terminal may both pass one Ctrl-C on. */
const SAME_PRESS_MS = 500;

/**
 * A signal that aborts with the first SIGTERM or SIGINT. With a second one the process ends at once with 1, after saying
 * what `left` tells.
 */
export function onStopSignal(left: () => readonly string[]): AbortSignal {
  const stopping = new AbortController();
  let firstAt = 0;
  const onSignal = () => {
    if (!stopping.signal.aborted) {
      firstAt = performance.now();
      stopping.abort();
    } else if (performance.now() - firstAt > SAME_PRESS_MS) {
      tellWhatIsLeft("Stopped at once.", left());
      process.exit(1);
    }
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  return stopping.signal;
}

export function tellWhatIsLeft(what: string, left: readonly string[]): void {
  process.stderr.write(`stillup: ${what} Left undone: ${left.join("; ") || "nothing"}\n`);
}

/** What nobody caught is a bug: it is logged, and the process ends with 1 rather than go on in an unknown state. */
export function endOnBugs(log: Log): void {
  const end = (error: unknown) => {
    log.error("Nobody caught an error; the process ends.", errorFields(error));
    process.exit(1);
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
}

import { errorFields } from "../runtime/errors.ts";
import type { Log } from "../runtime/log.ts";

/** npm and the terminal may both pass one Ctrl-C on. */
const SAME_PRESS_MS = 500;

/** The request to stop the process. */
export interface StopSignal {
  /** Aborts with the first SIGTERM, SIGINT or SIGHUP. */
  readonly signal: AbortSignal;
  /** The work that is not finished, one line each. */
  left: () => readonly string[];
}

/** Listens for the signals that stop a process. With a second one it ends at once with 1, and says what is left. */
export function onStopSignal(): StopSignal {
  const stopping = new AbortController();
  const stop: StopSignal = { signal: stopping.signal, left: () => [] };
  let firstAt = 0;
  const onSignal = () => {
    if (!stopping.signal.aborted) {
      firstAt = performance.now();
      stopping.abort();
    } else if (performance.now() - firstAt > SAME_PRESS_MS) {
      tellWhatIsLeft("Stopped at once.", stop.left());
      process.exit(1);
    }
  };
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(name, onSignal);
  return stop;
}

export function tellWhatIsLeft(what: string, left: readonly string[]): void {
  process.stderr.write(`stillup: ${what} Left undone: ${left.join("; ") || "nothing"}\n`);
}

/** An error that nobody caught is a bug. It is logged, and the process ends with 1, because its state is unknown. */
export function endOnBugs(log: Log): void {
  const end = (error: unknown) => {
    log.error("An error was not caught; the process ends.", errorFields(error));
    process.exit(1);
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
}

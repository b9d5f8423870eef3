import { StillupError } from "../runtime/errors.ts";

/** Ends the process with 1 and one message. Only an error that nobody raised on purpose shows its stack. */
export function fail(error: unknown): never {
  process.stderr.write(`${describe(error)}\n`);
  process.exit(1);
}

function describe(error: unknown): string {
  if (!(error instanceof StillupError)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  const lines = (error.errors ?? []).map(({ field, message }) => `  ${field}: ${message}`);
  return [`stillup: ${error.message}`, ...lines].join("\n");
}

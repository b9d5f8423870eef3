/** Node's fetch closes a connection 4 s after its last request, unless the server promised more. */
const COLD_AFTER_MS = 3500;

/** Opens a connection a little before it is needed: over TLS that takes two round trips. */
interface WarmUp {
  /** It is in use. */
  used(): void;
  /** It will be needed: asks for something unless it was in use a moment ago. Never throws, never waits. */
  begin(): void;
}

export function createWarmUp(ask: () => PromiseLike<unknown>, now = () => performance.now()): WarmUp {
  let usedAt = Number.NEGATIVE_INFINITY;
  return {
    used() {
      usedAt = now();
    },
    begin() {
      if (now() - usedAt < COLD_AFTER_MS) return;
      usedAt = now();
      // If it fails, so does the next statement, which reports it.
      ask().then(undefined, () => {});
    },
  };
}

/** Limits how many work at once. Those over the limit wait in order; the caller bounds how many wait. */
export interface Semaphore {
  /** Calls `begin` when there is room, perhaps at once. Returns what leaves the queue, if it still waits there. */
  acquire(begin: () => void): () => void;
  /** Makes room for the next, once for every `begin` that was called. */
  release(): void;
}

export function createSemaphore(limit: number): Semaphore {
  let working = 0;
  const waiting = new Set<() => void>();
  return {
    acquire(begin) {
      if (working < limit) {
        working++;
        begin();
      } else {
        waiting.add(begin);
      }
      return () => waiting.delete(begin);
    },
    release() {
      const [next] = waiting;
      if (next === undefined) {
        working--;
        return;
      }
      waiting.delete(next);
      queueMicrotask(next); // not at once: thousands that fail at once would be as many frames deep
    },
  };
}

/** A limit on calls at once; those over it wait in order. Who calls bounds how many wait. */
export interface Semaphore {
  /** Calls `begin` when there is room, perhaps at once. The function it answers with leaves the queue, if still there. */
  take(begin: () => void): () => void;
  /** Gives a turn back, once for every `begin` called. */
  give(): void;
}

export function createSemaphore(limit: number): Semaphore {
  let taken = 0;
  const waiting = new Set<() => void>();
  return {
    take(begin) {
      if (taken < limit) {
        taken++;
        begin();
      } else {
        waiting.add(begin);
      }
      return () => waiting.delete(begin);
    },
    give() {
      const [next] = waiting;
      if (next === undefined) {
        taken--;
        return;
      }
      waiting.delete(next);
      queueMicrotask(next); // not at once: thousands that fail at once would be as many frames deep
    },
  };
}

import type { Env } from "../contract.ts";
import { sleep } from "../sleep.ts";
import type { Part } from "./drain.ts";
import { createOutage } from "./outage.ts";
import type { Clock } from "./schedule-loop.ts";

/** Rung when there is something new to check. */
const NEWS = "enqueue-checks";

/** Wakes each clock when its schedule's name is woken, anywhere; news wakes those that are asleep, too. */
export function listenForWakeUps(clocks: readonly Clock[], { stream, log }: Env): Part {
  const outage = createOutage(log, "Listening for wake-ups");
  const stopping = new AbortController();
  const byName = new Map(clocks.map((clock) => [clock.wakeUp, clock]));
  const wake = (name: string) => {
    byName.get(name)?.wake();
    if (name === NEWS) for (const clock of clocks) clock.wakeIfAsleep();
  };
  const listen = async (): Promise<(() => Promise<void>) | undefined> => {
    while (!stopping.signal.aborted) {
      try {
        const end = await stream.onWake([...new Set([...byName.keys(), NEWS])], wake);
        outage.over();
        // News that came before was not heard, and the clocks may have fallen asleep meanwhile.
        for (const clock of clocks) clock.wakeIfAsleep();
        return end;
      } catch (error) {
        await sleep(outage.failed(error), stopping.signal);
      }
    }
    return undefined;
  };
  const listening = listen();
  return {
    name: "the wake-ups",
    left: () => null,
    async stop() {
      stopping.abort();
      await (await listening)?.();
    },
  };
}

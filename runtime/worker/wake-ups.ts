import type { Env } from "../contract.ts";
import { sleep } from "../sleep.ts";
import type { Part } from "./drain.ts";
import { createOutage } from "./outage.ts";
import type { Clock } from "./schedule-loop.ts";

/** Rung when there is something new to check. */
const NEWS = "enqueue-checks";

/** Rings each clock when its schedule's name is woken, anywhere; news stirs those that are asleep, too. */
export function startBells(clocks: readonly Clock[], { stream, log }: Env): Part {
  const outage = createOutage(log, "Listening for bells");
  const stopping = new AbortController();
  const byName = new Map(clocks.map((clock) => [clock.bell, clock]));
  const ring = (name: string) => {
    byName.get(name)?.ring();
    if (name === NEWS) for (const clock of clocks) clock.stir();
  };
  const listen = async (): Promise<(() => Promise<void>) | undefined> => {
    while (!stopping.signal.aborted) {
      try {
        const end = await stream.onWake([...new Set([...byName.keys(), NEWS])], ring);
        outage.over();
        // News that came before was not heard, and the clocks may have fallen asleep meanwhile.
        for (const clock of clocks) clock.stir();
        return end;
      } catch (error) {
        await sleep(outage.failed(error), stopping.signal);
      }
    }
    return undefined;
  };
  const listening = listen();
  return {
    name: "the bells",
    left: () => null,
    async stop() {
      stopping.abort();
      await (await listening)?.();
    },
  };
}

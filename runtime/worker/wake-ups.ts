import { type Env, SLEEPING_SCHEDULES } from "../contract.ts";
import { sleep } from "../sleep.ts";
import type { Part } from "./drain.ts";
import { createOutage } from "./outage.ts";
import type { ScheduleLoop } from "./schedule-loop.ts";

/** Wakes a schedule when its name is woken, here or in any other process, and those that sleep by `SLEEPING_SCHEDULES`. */
export function listenForWakeUps(schedules: readonly ScheduleLoop[], { stream, log }: Env): Part {
  const outage = createOutage(log, "Listening for wake-ups");
  const stopping = new AbortController();
  const byName = new Map(schedules.map((each) => [each.schedule, each]));
  const wakeSleeping = () => {
    for (const each of schedules) each.wakeFromSleep();
  };
  const wake = (name: string) => (name === SLEEPING_SCHEDULES ? wakeSleeping() : byName.get(name)?.wake());
  const listen = async (): Promise<(() => Promise<void>) | undefined> => {
    while (!stopping.signal.aborted) {
      try {
        const end = await stream.onWake([...byName.keys(), SLEEPING_SCHEDULES], wake);
        outage.over();
        // What was woken before was missed, and the schedules may have fallen asleep since.
        wakeSleeping();
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

import { consumeQueue } from "./queue.ts";
import { runTick } from "./run-tick.ts";

/** What an artefact that holds workers or schedules does beside answering. The others are built without, 12 KB less. */
export const work = { consumeQueue, runTick };
export type HostWork = typeof work;

import { consumeQueue } from "./queue.ts";
import { runShift } from "./run-tick.ts";

/** What an artefact that holds workers or schedules does beside answering. The others are built without, 12 KB less. */
export const work = { consumeQueue, runShift };
export type Work = typeof work;

import { runTick } from "../shared/run-tick.ts";
import { consumeRecords } from "./queue.ts";

/** What an artefact of Lambda that holds workers or schedules does beside answering. */
export const work = { consumeRecords, runTick };
export type LambdaWork = typeof work;

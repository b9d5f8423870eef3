import { consumeRecords } from "./lambda-queue.ts";
import { runShift } from "./shift.ts";

/** What an artefact of Lambda that holds workers or schedules does beside answering. */
export const work = { consumeRecords, runShift };
export type LambdaWork = typeof work;

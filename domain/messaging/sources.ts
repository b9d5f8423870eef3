import { checksDue } from "../checks/job.ts";
import { alertsDue, statusChanged } from "./wake-up.ts";

/** The streams that somebody reads, each with its group. */
export const sources = [checksDue, statusChanged, alertsDue] as const;

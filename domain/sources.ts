import { alertsDue, statusChanged } from "./bell.ts";
import { checksDue } from "./checks/job.ts";

/** The streams that somebody reads, each with its group. */
export const sources = [checksDue, statusChanged, alertsDue] as const;

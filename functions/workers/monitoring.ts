import { checksDue, jobEntries, parseJobs } from "../../domain/checks/job.ts";
import { runChecks } from "../../domain/checks/run-checks.ts";
import type { ConsumeFunction, Source } from "../../runtime/contract.ts";
import { parseMessages } from "../../runtime/settle.ts";

export const source: Source = { ...checksDue, batchSize: 1, parallel: 64 };

/** Makes checks and stores their results. Checks that a stop leaves undone go back as new entries. */
export default {
  async consume(batch, env, ctx) {
    const { parsed, invalid } = parseMessages(batch, parseJobs);
    const unfinished = await Promise.all(
      parsed.map(({ message, value: jobs }) => runChecks(env, ctx, { jobs, cameBefore: message.attempts > 1 })),
    );
    return { setApart: invalid, publish: jobEntries(unfinished.flat()) };
  },
} satisfies ConsumeFunction;

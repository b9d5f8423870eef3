import { checksDue, jobEntries } from "../../domain/checks/job.ts";
import { parseChecks } from "../../domain/checks/parse-checks.ts";
import { runChecks } from "../../domain/checks/run-checks.ts";
import type { DomainConfig } from "../../domain/config.ts";
import { recordDeadLetter } from "../../domain/dead-letters/record-dead-letter.ts";
import { statusChanged } from "../../domain/messaging/wake-up.ts";
import { passCanaries } from "../../domain/watchdog/canary.ts";
import type { ConsumeFunction, Ports, Source } from "../../runtime/contract.ts";
import { parseMessages } from "../../runtime/worker/settle.ts";

export const source: Source = { ...checksDue, batchSize: 1, parallel: 64 };
export const ports = { http: "limited" } as const satisfies Ports;

/** Makes checks and stores their results. Checks that a stop leaves undone go back as new entries. */
export default {
  async consume(batch, env, ctx) {
    const { parsed, invalid } = parseMessages(batch, parseChecks);
    const unfinished = await Promise.all(
      parsed.map(({ message, value }) => runChecks(env, ctx, { jobs: value.jobs, cameBefore: message.attempts > 1 })),
    );
    const canaries = await passCanaries(
      env.sql,
      parsed.flatMap(({ value }) => value.canary ?? []),
      "checked",
    );
    return { deadLetters: invalid, publish: [...jobEntries(unfinished.flat()), ...statusChanged.messages(canaries)] };
  },

  deadLetter: (letter, env) => recordDeadLetter(env.sql, letter),
} satisfies ConsumeFunction<DomainConfig, typeof ports>;

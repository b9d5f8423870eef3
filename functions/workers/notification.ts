import type { DomainConfig } from "../../domain/config.ts";
import { recordDeadLetter } from "../../domain/dead-letters/record-dead-letter.ts";
import { deliverDue } from "../../domain/deliveries/deliver.ts";
import { alertsDue } from "../../domain/messaging/wake-up.ts";
import { isCanary } from "../../domain/watchdog/canary.ts";
import { pingWatchdog } from "../../domain/watchdog/ping-watchdog.ts";
import type { ConsumeFunction, Ports, Source } from "../../runtime/contract.ts";
import { parseMessages } from "../../runtime/worker/settle.ts";

/** One call a wake-up and many side by side, so that a slow receiver holds up its own wake-up alone. */
export const source: Source = { stream: alertsDue.stream, group: alertsDue.group, batchSize: 1, parallel: 1000 };
export const ports = { http: "shared" } as const satisfies Ports;

/** Sends what is due. For a canary that got here it gives the heartbeat. */
export default {
  async consume(batch, env, ctx) {
    const { parsed, invalid } = parseMessages(batch, alertsDue.parse);
    const ids = [...new Set(parsed.flatMap(({ value }) => value))];
    const channelIds = ids.filter((id) => !isCanary(id));
    if (channelIds.length > 0) await deliverDue(env, channelIds, ctx.signal);
    for (const id of ids.filter(isCanary)) await pingWatchdog(env, id, ctx.signal);
    return { deadLetters: invalid };
  },

  deadLetter: (letter, env) => recordDeadLetter(env.sql, letter),
} satisfies ConsumeFunction<DomainConfig, typeof ports>;

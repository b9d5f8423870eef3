import { recordDeadLetter } from "../../domain/dead-letters/record-dead-letter.ts";
import { handleStatusChanges } from "../../domain/incidents/handle-status-changes.ts";
import { alertsDue, statusChanged } from "../../domain/messaging/wake-up.ts";
import { isCanary, passCanaries } from "../../domain/watchdog/canary.ts";
import type { ConsumeFunction, Source } from "../../runtime/contract.ts";
import { parseMessages } from "../../runtime/worker/settle.ts";

export const source: Source = { stream: statusChanged.stream, group: statusChanged.group, batchSize: 50, parallel: 2 };

const NONE = { channelIds: [] };

/** Opens and resolves incidents, plans who is told, and wakes for the deliveries. */
export default {
  async consume(batch, env) {
    const { parsed, invalid } = parseMessages(batch, statusChanged.parse);
    const ids = [...new Set(parsed.flatMap(({ value }) => value))];
    const monitorIds = ids.filter((id) => !isCanary(id));
    const { channelIds } = monitorIds.length === 0 ? NONE : await handleStatusChanges(env.sql, monitorIds);
    const canaries = await passCanaries(env.sql, ids, "handled");
    return { deadLetters: invalid, publish: [...alertsDue.messages(channelIds), ...alertsDue.messages(canaries)] };
  },

  deadLetter: (letter, env) => recordDeadLetter(env.sql, letter),
} satisfies ConsumeFunction;

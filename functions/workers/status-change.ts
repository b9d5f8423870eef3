import { alertsDue, statusChanged } from "../../domain/bell.ts";
import { handleStatusChanges } from "../../domain/incidents/handle-status-changes.ts";
import type { ConsumeFunction, Source } from "../../runtime/contract.ts";
import { parseMessages } from "../../runtime/settle.ts";

export const source: Source = { stream: statusChanged.stream, group: statusChanged.group, batchSize: 50, parallel: 2 };

/** Opens and resolves incidents, plans who is told, and rings for the deliveries. */
export default {
  async consume(batch, env) {
    const { parsed, invalid } = parseMessages(batch, statusChanged.parse);
    const monitorIds = [...new Set(parsed.flatMap(({ value }) => value))];
    const { channelIds } = await handleStatusChanges(env.sql, monitorIds);
    return { setApart: invalid, publish: alertsDue.ring(channelIds) };
  },
} satisfies ConsumeFunction;

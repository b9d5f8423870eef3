import { deliverDue } from "../../domain/alerts/deliver.ts";
import { alertsDue } from "../../domain/bell.ts";
import type { ConsumeFunction, Source } from "../../runtime/contract.ts";
import { parseMessages } from "../../runtime/settle.ts";

/** One call a bell and many side by side, so that a slow receiver holds up its own bell alone. */
export const source: Source = { stream: alertsDue.stream, group: alertsDue.group, batchSize: 1, parallel: 1000 };

/** Sends what is due. */
export default {
  async consume(batch, env, ctx) {
    const { parsed, invalid } = parseMessages(batch, alertsDue.parse);
    await deliverDue(env, [...new Set(parsed.flatMap(({ value }) => value))], ctx.signal);
    return { setApart: invalid };
  },
} satisfies ConsumeFunction;

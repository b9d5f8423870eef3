import * as z from "zod/mini";
import { described } from "../../runtime/api/described.ts";

/** The result of one call that retries all. */
export const RetriedAll = z
  .object({
    retried: described(z.int(), "How many this call has retried."),
    nextCursor: described(
      z.nullable(z.string()),
      "Call again with this `cursor` to retry more; null when none are left.",
    ),
  })
  .register(z.globalRegistry, {
    id: "RetriedAll",
    examples: [{ retried: 12, nextCursor: null }],
  });
export type RetriedAll = z.output<typeof RetriedAll>;

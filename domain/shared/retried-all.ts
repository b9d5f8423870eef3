import * as z from "zod/mini";

/** What came of one call to retry all. */
export const RetriedAll = z
  .object({ retried: z.int(), nextCursor: z.nullable(z.string()) })
  .register(z.globalRegistry, {
    id: "RetriedAll",
    description: "How many this call has retried. With a `nextCursor` there are more: call again with it.",
    examples: [{ retried: 12, nextCursor: null }],
  });
export type RetriedAll = z.output<typeof RetriedAll>;

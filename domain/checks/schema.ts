import * as z from "zod/mini";
import { kinds } from "../kinds/find-kind.ts";
import { oneOf, Time } from "../shared/fields.ts";
import { page, pageOf } from "../shared/page.ts";

const outcomes = new Set(["ok", ...kinds.flatMap((kind) => kind.outcomes), "unknown"]);

/** What a check found: a success, what its kind of monitor calls the failure, or that Stillup could reach nothing. */
export const CheckOutcome = oneOf(...outcomes);

const phase = z.nullable(z.number());

/** A check as it is shown. A phase that was not reached, or that does not apply, is null. */
export const Check = z
  .object({
    at: Time,
    outcome: CheckOutcome,
    statusCode: z.nullable(z.int()),
    totalMs: z.number(),
    phases: z.object({ dnsMs: phase, connectMs: phase, tlsMs: phase, firstByteMs: phase, bodyMs: phase }),
    detail: z.nullable(z.string()),
  })
  .register(z.globalRegistry, {
    id: "Check",
    examples: [
      {
        at: "2026-01-05T09:30:12.345Z",
        outcome: "status",
        statusCode: 503,
        totalMs: 41.7,
        phases: { dnsMs: 1.2, connectMs: 8.4, tlsMs: 17.9, firstByteMs: 13.8, bodyMs: 0.4 },
        detail: "Answered 503; expected 200-299.",
      },
    ],
  });
export type Check = z.output<typeof Check>;

export const CheckQuery = z.strictObject(page);
export type CheckQuery = z.output<typeof CheckQuery>;

export const CheckPage = pageOf(Check).register(z.globalRegistry, { id: "CheckPage" });

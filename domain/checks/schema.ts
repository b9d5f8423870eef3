import * as z from "zod/mini";
import { described } from "../../runtime/api/described.ts";
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
    at: described(Time, "When the check began."),
    outcome: described(
      CheckOutcome,
      "`ok` is a success, `unknown` means that Stillup was offline, all others are failures.",
    ),
    statusCode: described(z.nullable(z.int()), "The status code of the response; null without one."),
    totalMs: described(z.number(), "Duration of the whole check in milliseconds."),
    phases: described(
      z.object({
        dnsMs: described(phase, "Looking up the name."),
        connectMs: described(phase, "Connecting by TCP."),
        tlsMs: described(phase, "The TLS handshake."),
        firstByteMs: described(phase, "From the request to the first byte of the response."),
        bodyMs: described(phase, "Reading the body."),
      }),
      "Durations in milliseconds. A phase that was not reached, or that does not apply, is null.",
    ),
    detail: described(z.nullable(z.string()), "One sentence: what was seen and what was expected; null for a success."),
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

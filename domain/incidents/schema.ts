import * as z from "zod/mini";
import { described } from "../../runtime/api/described.ts";
import { CheckOutcome } from "../checks/schema.ts";
import { Id, oneOf, Time } from "../shared/fields.ts";
import { filter, page, pageOf } from "../shared/page.ts";

const IncidentStatus = oneOf("open", "acknowledged", "resolved");

/** An incident as it is shown. `startedAt` is the first failing check, and `cause` what that found. */
export const Incident = z
  .object({
    id: described(Id, "The id of the incident."),
    monitorId: described(Id, "The monitor that was down."),
    status: described(IncidentStatus, "`resolved` when it is over; until then `open`, or `acknowledged` by a person."),
    startedAt: described(Time, "When the first failed check began."),
    confirmedAt: described(Time, "When the check began that confirmed it."),
    acknowledgedAt: described(z.nullable(Time), "When a person acknowledged it; null when nobody did."),
    resolvedAt: described(z.nullable(Time), "When it ended; null while it is open."),
    resolution: described(
      z.nullable(oneOf("recovered", "manual", "paused", "deleted")),
      "How it ended: the monitor recovered, a person resolved it, or the monitor was paused or deleted.",
    ),
    cause: described(
      z.object({
        outcome: described(CheckOutcome, "The outcome of that check."),
        statusCode: described(z.nullable(z.int()), "The status code of the response; null without one."),
        detail: described(z.nullable(z.string()), "One sentence: what was seen and what was expected."),
      }),
      "The first failed check.",
    ),
  })
  .register(z.globalRegistry, {
    id: "Incident",
    examples: [
      {
        id: "inc_0f3b62c79d1e4a58b6c0_3",
        monitorId: "mon_0f3b62c79d1e4a58b6c0",
        status: "resolved",
        startedAt: "2026-01-05T09:30:12.345Z",
        confirmedAt: "2026-01-05T09:30:42.360Z",
        acknowledgedAt: null,
        resolvedAt: "2026-01-05T09:41:12.351Z",
        resolution: "recovered",
        cause: { outcome: "status", statusCode: 503, detail: "Answered 503; expected 200-299." },
      },
    ],
  });
export type Incident = z.output<typeof Incident>;

export const IncidentQuery = z.strictObject({
  ...page,
  status: filter(IncidentStatus).register(z.globalRegistry, {
    description: "Only incidents with this status. `open` includes the acknowledged ones.",
  }),
  monitorId: described(filter(Id), "Only incidents of this monitor."),
});
export type IncidentQuery = z.output<typeof IncidentQuery>;

export const IncidentPage = pageOf(Incident).register(z.globalRegistry, { id: "IncidentPage" });

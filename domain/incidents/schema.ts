import * as z from "zod/mini";
import { CheckOutcome } from "../checks/schema.ts";
import { GivenId, Id, oneOf, Time } from "../shared/fields.ts";
import { filter, page, pageOf } from "../shared/page.ts";

const IncidentStatus = oneOf("open", "acknowledged", "resolved");

/** An incident as it is shown. `startedAt` is the first failing check, and `cause` what that found. */
export const Incident = z
  .object({
    id: Id,
    monitorId: Id,
    status: IncidentStatus,
    startedAt: Time,
    confirmedAt: Time,
    acknowledgedAt: z.nullable(Time),
    resolvedAt: z.nullable(Time),
    resolution: z.nullable(oneOf("recovered", "manual", "paused", "deleted")),
    cause: z.object({
      outcome: CheckOutcome,
      statusCode: z.nullable(z.int()),
      detail: z.nullable(z.string()),
    }),
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
    description: "`open` lists what is not resolved, acknowledged or not.",
  }),
  monitorId: filter(GivenId),
});
export type IncidentQuery = z.output<typeof IncidentQuery>;

export const IncidentPage = pageOf(Incident).register(z.globalRegistry, { id: "IncidentPage" });

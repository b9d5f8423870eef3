import * as z from "zod/mini";
import { described } from "../../runtime/api/described.ts";
import { oneOf, Time } from "../shared/fields.ts";

const Window = oneOf("24h", "7d", "30d", "90d");

export const UptimeQuery = z.strictObject({
  window: z
    .pipe(
      z.optional(Window),
      z.transform((window) => window ?? "24h"),
    )
    .register(z.globalRegistry, { default: "24h", description: "How long the window is; it ends now." }),
});

/** By time: `uptime` is up / (up + down), null when there is neither. Paused, pending and unknown time is left out. */
export const Uptime = z
  .object({
    window: described(Window, "The window that was asked for."),
    from: described(Time, "Start of the window."),
    to: described(Time, "End of the window: now."),
    uptime: described(
      z.nullable(z.number().check(z.minimum(0), z.maximum(1))),
      "upSeconds / (upSeconds + downSeconds), from 0 to 1; null when both are 0.",
    ),
    upSeconds: described(z.number(), "Seconds up."),
    downSeconds: described(z.number(), "Seconds down."),
    unknownSeconds: described(
      z.number(),
      "Seconds pending, paused, unknown or before the monitor existed. They do not count.",
    ),
    incidents: described(z.int(), "Incidents that were open at any time in the window."),
  })
  .register(z.globalRegistry, {
    id: "Uptime",
    examples: [
      {
        window: "24h",
        from: "2026-01-04T09:30:00.000Z",
        to: "2026-01-05T09:30:00.000Z",
        uptime: 0.9923611111111111,
        upSeconds: 85740,
        downSeconds: 660,
        unknownSeconds: 0,
        incidents: 1,
      },
    ],
  });
export type Uptime = z.output<typeof Uptime>;

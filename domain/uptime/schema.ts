import * as z from "zod/mini";
import { oneOf, Time } from "../shared/fields.ts";

const Window = oneOf("24h", "7d", "30d", "90d");

export const UptimeQuery = z.strictObject({
  window: z
    .pipe(
      z.optional(Window),
      z.transform((window) => window ?? "24h"),
    )
    .register(z.globalRegistry, { default: "24h" }),
});

/** By time: `uptime` is up / (up + down), null when there is neither. Paused, pending and unknown time is left out. */
export const Uptime = z
  .object({
    window: Window,
    from: Time,
    to: Time,
    uptime: z.nullable(z.number().check(z.minimum(0), z.maximum(1))),
    upSeconds: z.number(),
    downSeconds: z.number(),
    unknownSeconds: z.number(),
    incidents: z.int(),
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

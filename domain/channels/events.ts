import * as z from "zod/mini";
import { Check } from "../checks/schema.ts";
import { Incident } from "../incidents/schema.ts";
import { Id, Time } from "../shared/fields.ts";

const Monitor = z
  .object({ id: Id, name: z.string(), type: z.string(), target: z.string() })
  .register(z.globalRegistry, {
    description: "The monitor. `target` is what it checks, as people recognise it: a URL, for example.",
    examples: [
      {
        id: "mon_0f3b62c79d1e4a58b6c0",
        name: "Shop",
        type: "http",
        target: "https://shop.example.com/health",
      },
    ],
  });

/** The `data` of a monitor's events. */
export const MonitorChange = z
  .object({ monitor: Monitor, incident: Incident, check: Check })
  .register(z.globalRegistry, {
    id: "MonitorChange",
    description: "`incident` is the outage as the API shows it; `check` is the one that confirmed the change.",
  });

export type MonitorChange = z.output<typeof MonitorChange>;

const since = Time.check(z.meta({ description: "When Stillup lost its connectivity." }));
const until = Time.check(z.meta({ description: "When its connectivity was back." }));
const SystemOffline = z.object({ since }).register(z.globalRegistry, { id: "SystemOffline" });
const SystemOnline = z.object({ since, until }).register(z.globalRegistry, { id: "SystemOnline" });
const Tested = z
  .object({ channel: z.object({ id: Id, name: z.string() }) })
  .register(z.globalRegistry, { id: "TestedChannel" });

/** The events that become deliveries, each with its `data`. They are the same for every channel type. */
export const deliveredEvents = [
  { type: "monitor.down", summary: "A monitor is confirmed to be down.", data: MonitorChange },
  { type: "monitor.up", summary: "A monitor that was reported as down is up again.", data: MonitorChange },
  {
    type: "system.offline",
    summary: "Stillup itself is offline: it reaches none of CONNECTIVITY_TARGETS, and reports no monitor as down.",
    data: SystemOffline,
  },
  { type: "system.online", summary: "Stillup itself is online again.", data: SystemOnline },
] as const;

/** All that a channel may be sent. */
export const events = [
  ...deliveredEvents,
  { type: "channel.test", summary: "Somebody tests the channel.", data: Tested },
] as const;

/** An event before its text is made. */
export type EventFacts = {
  [Event in (typeof events)[number] as Event["type"]]: {
    /** The delivery's: the same on every attempt. */
    readonly id: string;
    readonly type: Event["type"];
    /** When it happened, ISO 8601. */
    readonly timestamp: string;
    readonly data: z.output<Event["data"]>;
  };
}[(typeof events)[number]["type"]];

/** What a sender renders. */
export type ChannelEvent = EventFacts & {
  /** One line that says what happened, for receivers that show nothing else. */
  readonly text: string;
};

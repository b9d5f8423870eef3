import * as z from "zod/mini";
import { described } from "../../runtime/api/described.ts";
import { Check } from "../checks/schema.ts";
import { Incident } from "../incidents/schema.ts";
import { Id, Time } from "../shared/fields.ts";

/** The `data` of a monitor's events. */
export const MonitorChange = z
  .object({
    monitor: described(
      z.object({
        id: described(Id, "The id of the monitor."),
        name: described(z.string(), "Its name."),
        type: described(z.string(), "What kind of monitor it is."),
        target: described(z.string(), "What it checks, as one text: a URL, for example."),
      }),
      "The monitor.",
    ),
    incident: described(Incident, "The outage, as it was when the event happened."),
    check: described(Check, "The check that confirmed that the monitor is down, or up again."),
  })
  .register(z.globalRegistry, { id: "MonitorChange" });
export type MonitorChange = z.output<typeof MonitorChange>;

const since = described(Time, "When Stillup lost its connectivity.");
const SystemOffline = z.object({ since }).register(z.globalRegistry, { id: "SystemOffline" });
const SystemOnline = z
  .object({ since, until: described(Time, "When its connectivity was back.") })
  .register(z.globalRegistry, { id: "SystemOnline" });

const TestedChannel = z
  .object({
    channel: described(
      z.object({ id: described(Id, "The id of the channel."), name: described(z.string(), "Its name.") }),
      "The channel.",
    ),
  })
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
  { type: "channel.test", summary: "Somebody tests the channel.", data: TestedChannel },
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

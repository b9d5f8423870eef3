import { describe, expect, it } from "vitest";
import { eventText } from "../../../../domain/channels/event-text.ts";
import type { EventFacts } from "../../../../domain/channels/events.ts";
import { aMonitorChange } from "../../../../testing/factories.ts";

const common = { id: "dlv_1", timestamp: "2026-03-01T12:00:00.000Z" };
const down = aMonitorChange();

function up(resolvedAt: string, resolution: "recovered" | "manual" = "recovered"): EventFacts {
  const incident = { ...down.incident, status: "resolved", resolvedAt, resolution } as const;
  return { ...common, type: "monitor.up", data: { ...down, incident } };
}

describe("the text of an event", () => {
  it("says that a monitor is down, and what was seen and expected", () => {
    const event: EventFacts = { ...common, type: "monitor.down", data: down };
    expect(eventText(event)).toBe("Shop is down: Answered 500; expected 200-299.");
    const check = { ...down.check, detail: null };
    expect(eventText({ ...event, data: { ...down, check } })).toBe("Shop is down.");
  });

  it.each([
    ["2026-03-01T11:59:30.400Z", "0 s"],
    ["2026-03-01T11:59:29.000Z", "0 s"],
    ["2026-03-01T12:00:12.000Z", "42 s"],
    ["2026-03-01T12:00:30.000Z", "1 min"],
    ["2026-03-01T12:42:12.900Z", "42 min 42 s"],
    ["2026-03-01T14:59:30.000Z", "3 h"],
    ["2026-03-01T15:04:40.000Z", "3 h 5 min"],
    ["2026-03-03T15:04:40.000Z", "2 d 3 h"],
    ["2026-03-31T12:00:30.000Z", "30 d"],
  ])("says for how long a monitor that came back at %s was down: %s", (resolvedAt, span) => {
    expect(eventText(up(resolvedAt))).toBe(`Shop is up again after ${span}.`);
  });

  it("names no length when a person resolved the incident before the monitor was up", () => {
    expect(eventText(up("2026-03-01T12:00:30.000Z", "manual"))).toBe("Shop is up again.");
  });

  it("says when Stillup lost its connectivity, and for how long", () => {
    const since = "2026-03-01T09:30:42.371Z";
    expect(eventText({ ...common, type: "system.offline", data: { since } })).toBe(
      "Stillup has been offline since 2026-03-01 09:30 UTC. Until it is back, it reports nothing to be down.",
    );
    const until = "2026-03-01T09:33:42.371Z";
    expect(eventText({ ...common, type: "system.online", data: { since, until } })).toBe(
      "Stillup is online again after 3 min.",
    );
  });

  it("says that it is a test", () => {
    const data = { channel: { id: "ch_1", name: "On call" } };
    expect(eventText({ ...common, type: "channel.test", data })).toBe(
      "This is a test of the channel On call. Alerts arrive here.",
    );
  });

  it("names an event that a newer release planned", () => {
    const event = { ...common, type: "monitor.rusty", data: {} } as unknown as EventFacts; // no type of this release
    expect(eventText(event)).toBe("Stillup reports monitor.rusty.");
  });
});

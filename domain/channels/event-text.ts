import type { EventFacts } from "./events.ts";

/** One line that says what happened, such as "Shop is down: Answered 500; expected 200-299." */
export function eventText(event: EventFacts): string {
  switch (event.type) {
    case "monitor.down": {
      const { monitor, check } = event.data;
      return check.detail === null ? `${monitor.name} is down.` : `${monitor.name} is down: ${check.detail}`;
    }
    case "monitor.up": {
      const { monitor, incident } = event.data;
      // Of an incident that a person resolved earlier, the outage lasted longer than the incident.
      if (incident.resolution !== "recovered" || incident.resolvedAt === null) return `${monitor.name} is up again.`;
      return `${monitor.name} is up again after ${span(incident.startedAt, incident.resolvedAt)}.`;
    }
    case "system.offline":
      return `Stillup has been offline since ${clock(event.data.since)}. Until it is back, it reports nothing to be down.`;
    case "system.online":
      return `Stillup is online again after ${span(event.data.since, event.data.until)}.`;
    case "channel.test":
      return `This is a test of the channel ${event.data.channel.name}. Alerts arrive here.`;
    default:
      return `Stillup reports ${(event as { type: string }).type}.`; // of a newer release
  }
}

const UNITS = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
] as const;

/** The time between two ISO dates in its two largest units: "42 min", "3 h 5 min", "0 s". */
function span(from: string, to: string): string {
  let seconds = Math.max(0, Math.floor((Date.parse(to) - Date.parse(from)) / 1000));
  const first = UNITS.findIndex(([, size]) => seconds >= size);
  if (first === -1) return "0 s";
  const parts = UNITS.slice(first, first + 2).flatMap(([unit, size]) => {
    const count = Math.floor(seconds / size);
    seconds -= count * size;
    return count === 0 ? [] : [`${count} ${unit}`];
  });
  return parts.join(" ");
}

/** "2026-01-05 09:30 UTC". */
function clock(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}

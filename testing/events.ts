import type { MonitorChange } from "../domain/channels/events.ts";

/** The `data` of a `monitor.down`, with what the test gives. */
export function aMonitorChange(over: Partial<MonitorChange["monitor"]> = {}): MonitorChange {
  const cause = { outcome: "status", statusCode: 500, detail: "Answered 500; expected 200-299." } as const;
  const phases = { dnsMs: null, connectMs: 1.2, tlsMs: null, firstByteMs: 3.4, bodyMs: 0.1 };
  const monitor = { id: "mon_1", name: "Shop", type: "http", target: "https://shop.example.com/health", ...over };
  return {
    monitor,
    incident: {
      id: "inc_1_1",
      monitorId: monitor.id,
      status: "open",
      startedAt: "2026-03-01T11:59:30.000Z",
      confirmedAt: "2026-03-01T12:00:00.000Z",
      acknowledgedAt: null,
      resolvedAt: null,
      resolution: null,
      cause,
    },
    check: { at: "2026-03-01T12:00:00.000Z", totalMs: 4.7, phases, ...cause },
  };
}

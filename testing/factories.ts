import type { MonitorChange } from "../domain/channels/events.ts";
import type { Job } from "../domain/checks/job.ts";
import type { JobResult } from "../domain/checks/result.ts";
import type { Message } from "../runtime/drivers/stream/stream.ts";

/** The body of `POST /v1/monitors`: the required fields, and what the test gives. */
export function aMonitor<Over extends object = object>(over?: Over) {
  return { name: "Shop", type: "http", url: "https://shop.example.com/health", ...(over as Over) };
}

/** The body of `POST /v1/channels`: the required fields, and what the test gives. */
export function aChannel<Over extends object = object>(over?: Over) {
  return {
    name: "On call",
    type: "webhook",
    config: { url: "https://hooks.example.com/stillup" },
    ...(over as Over),
  };
}

let messages = 0;

/** A stream message on its first delivery. A body that is an object gets the form `v: 1` and is sent as JSON. */
export function aMessage(body: string | object, over: Partial<Message> = {}): Message {
  messages += 1;
  const text = typeof body === "string" ? body : JSON.stringify({ v: 1, ...body });
  return { id: `${messages}-0`, body: text, attempts: 1, timestamp: 0, ...over };
}

/** One check to be made, as a message of `checks.due` holds it. A `config` is merged into one of a kind `http`. */
export function aJob({ config, ...over }: Partial<Job> = {}): Job {
  return {
    monitorId: "mon_1",
    revision: 1,
    seq: 1,
    dueAt: "2026-01-01T00:00:00+00:00",
    waitMs: 0,
    timeoutMs: 1000,
    intervalSeconds: 60,
    quietIf: null,
    type: "http",
    form: 1,
    config: {
      url: "http://127.0.0.1/",
      method: "GET",
      headers: {},
      body: null,
      expect: { status: ["200-299"] },
      ...config,
    },
    ...over,
  };
}

type Slot = Pick<Job, "monitorId" | "revision" | "seq" | "dueAt">;

/**
 * The result of a job's check, `ok` unless the test says something else. It began in the future, which the database takes
 * as now: times come out even on a clock that stands still.
 */
export function aResult(job: Slot, over: Partial<JobResult> = {}): JobResult {
  const { monitorId, revision, seq, dueAt } = job;
  const outcome = over.outcome ?? "ok";
  return {
    monitorId,
    revision,
    seq,
    dueAt,
    beganAt: performance.now() + 60_000,
    outcome,
    statusCode: outcome === "ok" ? 200 : outcome === "status" ? 500 : null,
    totalMs: 0,
    detail: outcome === "ok" ? null : `It was ${outcome}.`,
    ...over,
  };
}

/** A monitor that went down and whose event nobody has handled yet: fields of its row. */
export function aPendingDown() {
  const first = { at: "2026-03-01T12:00:00.000Z", outcome: "dns", statusCode: null, totalMs: 1, detail: null };
  const pendingEvents = [{ number: 1, type: "down", at: first.at, first, check: first }];
  return { status: "down", version: 1, eventCount: 1, reportedDown: true, pendingEvents };
}

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

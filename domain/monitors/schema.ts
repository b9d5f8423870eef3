import * as z from "zod/mini";
import { change, GivenId, Id, line, oneOf, refuse, Time, Url, wholeNumber, withDefault } from "../shared/fields.ts";
import { filter, page, pageOf } from "../shared/page.ts";
import { Headers } from "./headers.ts";
import { timeoutFor } from "./timeout.ts";

const ANY_2XX = ["200-299"];
const statuses = "must be a list of 1 to 20 statuses or ranges";
const status = 'must be a status from 100 to 599 or a range of them, such as "404" or "200-299"';
const unmet = "can never succeed: responses below 200 are never final";
const text = "must be text of 1 to 1000 characters";

const StatusPattern = z
  .string(status)
  .check(
    z.regex(/^[1-5]\d\d(-[1-5]\d\d)?$/, { error: status, abort: true }),
    z.refine(isRange, status),
    z.refine(canBeMet, unmet),
  );

function isRange(pattern: string): boolean {
  const [from = "", to = from] = pattern.split("-");
  return from <= to;
}

/** Informational answers are passed over until the final one comes. */
function canBeMet(pattern: string): boolean {
  const [from = "", to = from] = pattern.split("-");
  return to >= "200";
}

const Expect = z.pipe(
  z.strictObject({
    status: withDefault(
      z.array(StatusPattern, statuses).check(z.minLength(1, statuses), z.maxLength(20, statuses)),
      ANY_2XX,
    ),
    bodyContains: change(z.string(text).check(z.minLength(1, text), z.maxLength(1000, text))),
  }),
  z.transform(({ status, bodyContains }): { status: string[]; bodyContains?: string } =>
    bodyContains == null ? { status } : { status, bodyContains },
  ),
);

/** A list without duplicates. */
function distinct<S extends z.ZodMiniType<string>>(
  item: S,
  max: number,
  { field, what }: { field: string; what: string },
) {
  const message = `must be a list of at most ${max} ${what}`;
  return z.array(item, message).check(z.maxLength(max, { error: message, abort: true }), (payload) => {
    for (const [index, text] of payload.value.entries()) {
      const first = payload.value.indexOf(text);
      if (first < index) refuse(payload, `duplicates ${field}[${first}]`, [index]);
    }
  });
}

const body = "must be text of at most 65536 characters";
const type = z.literal("http", 'must be "http"');
const fields = {
  name: line(200),
  url: Url,
  method: oneOf("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
  headers: Headers,
  body: z.string(body).check(z.maxLength(65_536, body)),
  intervalSeconds: wholeNumber(5, 86_400),
  timeoutMs: wholeNumber(100, 60_000),
  expect: Expect,
  failureThreshold: wholeNumber(1, 10),
  recoveryThreshold: wholeNumber(1, 10),
  channelIds: distinct(GivenId, 50, { field: "channelIds", what: "ids of channels" }),
  tags: distinct(line(50), 20, { field: "tags", what: "tags" }),
};

/** A monitor as it is to be. Every rule is here: a change is checked by making it whole first. */
export const MonitorInput = z
  .strictObject({
    name: fields.name,
    type,
    url: fields.url,
    method: withDefault(fields.method, "GET"),
    headers: withDefault(fields.headers, {}),
    body: withDefault(fields.body, null),
    intervalSeconds: withDefault(fields.intervalSeconds, 60),
    timeoutMs: withDefault(fields.timeoutMs, null),
    expect: withDefault(fields.expect, { status: ANY_2XX }),
    failureThreshold: withDefault(fields.failureThreshold, 3),
    recoveryThreshold: withDefault(fields.recoveryThreshold, 2),
    channelIds: withDefault(fields.channelIds, null),
    tags: withDefault(fields.tags, []),
  })
  .check((payload) => {
    const { method, body, intervalSeconds, timeoutMs, expect } = payload.value;
    if (timeoutMs !== null && timeoutMs >= intervalSeconds * 1000) {
      refuse(payload, `must be shorter than the interval of ${intervalSeconds * 1000} ms`, ["timeoutMs"]);
    }
    if (body !== null && (method === "GET" || method === "HEAD")) {
      refuse(payload, `cannot be sent with ${method}`, ["body"]);
    }
    if (expect.bodyContains !== undefined && method === "HEAD") {
      refuse(payload, "can never succeed: a response to HEAD has no body", ["expect", "bodyContains"]);
    }
  })
  .register(z.globalRegistry, {
    id: "MonitorInput",
    examples: [{ name: "Shop", type: "http", url: "https://shop.example.com/health", intervalSeconds: 30 }],
  });
export type MonitorInput = z.output<typeof MonitorInput>;

/** What is to change of a monitor. */
export const MonitorPatch = z
  .strictObject({
    name: z.optional(fields.name),
    type: z.optional(type),
    url: z.optional(fields.url),
    method: change(fields.method),
    headers: change(fields.headers),
    body: change(fields.body),
    intervalSeconds: change(fields.intervalSeconds),
    timeoutMs: change(fields.timeoutMs),
    expect: change(fields.expect),
    failureThreshold: change(fields.failureThreshold),
    recoveryThreshold: change(fields.recoveryThreshold),
    channelIds: change(fields.channelIds),
    tags: change(fields.tags),
  })
  .register(z.globalRegistry, { id: "MonitorPatch", examples: [{ intervalSeconds: 20, timeoutMs: null }] });
export type MonitorPatch = z.output<typeof MonitorPatch>;

const MonitorStatus = oneOf("pending", "up", "down", "paused", "unknown");

/** A monitor as it is shown. */
export const Monitor = z
  .object({
    id: Id,
    name: z.string(),
    type,
    url: z.string(),
    method: fields.method,
    headers: z.record(z.string(), z.string()),
    body: z.nullable(z.string()),
    intervalSeconds: z.int(),
    timeoutMs: z.int(),
    expect: z.object({ status: z.array(z.string()), bodyContains: z.exactOptional(z.string()) }),
    failureThreshold: z.int(),
    recoveryThreshold: z.int(),
    channelIds: z.nullable(z.array(z.string())),
    tags: z.array(z.string()),
    status: MonitorStatus,
    statusSince: Time,
    lastCheckAt: z.nullable(Time),
    createdAt: Time,
    updatedAt: Time,
  })
  .register(z.globalRegistry, {
    id: "Monitor",
    examples: [
      {
        id: "mon_0f3b62c79d1e4a58b6c0",
        name: "Shop",
        type: "http",
        url: "https://shop.example.com/health",
        method: "GET",
        headers: {},
        body: null,
        intervalSeconds: 30,
        timeoutMs: timeoutFor(30, null),
        expect: { status: ANY_2XX },
        failureThreshold: 3,
        recoveryThreshold: 2,
        channelIds: null,
        tags: ["shop"],
        status: "up",
        statusSince: "2026-01-05T08:00:00.000Z",
        lastCheckAt: "2026-01-05T09:30:12.345Z",
        createdAt: "2026-01-05T07:59:58.123Z",
        updatedAt: "2026-01-05T07:59:58.123Z",
      },
    ],
  });
export type Monitor = z.output<typeof Monitor>;

export const MonitorQuery = z.strictObject({
  ...page,
  status: filter(MonitorStatus),
  tag: filter(line(50)),
});
export type MonitorQuery = z.output<typeof MonitorQuery>;

export const MonitorPage = pageOf(Monitor).register(z.globalRegistry, { id: "MonitorPage" });

import { expect, it } from "vitest";
import { type Job, jobEntries } from "../../../../domain/checks/job.ts";
import { parseChecks } from "../../../../domain/checks/parse-checks.ts";
import { alertsDue } from "../../../../domain/messaging/wake-up.ts";
import { toMessage } from "../../../../runtime/drivers/stream/redis-entries.ts";

const config = {
  url: "http://127.0.0.1/",
  method: "GET",
  headers: { accept: "*/*" },
  body: null,
  expect: { status: ["200-299"] },
};

function job(monitorId: string, over: Partial<Job> = {}): Job {
  return {
    monitorId,
    revision: 1,
    seq: 1,
    dueAt: "2026-01-01T00:00:00+00:00",
    waitMs: 0,
    timeoutMs: 1000,
    intervalSeconds: 60,
    quietIf: null,
    type: "http",
    form: 1,
    config,
    ...over,
  };
}

it("puts up to 100 jobs into an entry and reads them back as they were", () => {
  const jobs = Array.from({ length: 250 }, (_, n) => job(`mon_${n}`));
  const entries = jobEntries(jobs);
  expect(entries.map((entry) => parseChecks(entry.body).jobs.length)).toEqual([100, 100, 50]);
  expect(entries.flatMap((entry) => parseChecks(entry.body).jobs)).toEqual(jobs);
});

it("puts fewer where they are long", () => {
  const entries = jobEntries(
    Array.from({ length: 10 }, (_, n) => job(`mon_${n}`, { config: { ...config, body: "x".repeat(100_000) } })),
  );
  expect(entries.map((entry) => parseChecks(entry.body).jobs.length)).toEqual([2, 2, 2, 2, 2]);
});

it("puts jobs of several types or forms into entries of their own, in their order", () => {
  const jobs = [
    job("mon_1"),
    job("mon_2", { type: "echo" }),
    job("mon_3", { form: 2 }),
    job("mon_4"),
    job("mon_5", { type: "echo" }),
  ];
  const entries = jobEntries(jobs).map(({ body }) => (JSON.parse(body) as { jobs: Job[] }).jobs);
  expect(entries.map((entry) => entry.map(({ monitorId }) => monitorId))).toEqual([
    ["mon_1", "mon_4"],
    ["mon_2", "mon_5"],
    ["mon_3"],
  ]);
});

it.each([
  ["a type that it does not know", { type: "telepathy" }, "type telepathy in form 1"],
  ["a newer form of a type", { form: 2, config: { uri: "http://127.0.0.1/" } }, "type http in form 2"],
])("leaves a message with jobs of %s to newer workers", (_, over, message) => {
  const [entry] = jobEntries([job("mon_1", over)]);
  expect(() => parseChecks(entry?.body ?? "")).toThrowError(
    expect.objectContaining({ code: "newer_message", transient: true, message: expect.stringContaining(message) }),
  );
});

it("gives a field that was added to a kind later its default", () => {
  const [entry] = jobEntries([job("mon_1", { config: { url: "http://127.0.0.1/" } })]);
  expect(parseChecks(entry?.body ?? "").jobs).toEqual([job("mon_1", { config: { ...config, headers: {} } })]);
});

it("keeps what a newer release has added to a kind's fields, for a job that goes back", () => {
  const newer = job("mon_1", { config: { ...config, note: "new" } });
  const [entry] = jobEntries([newer]);
  expect(parseChecks(entry?.body ?? "").jobs).toEqual([newer]);
});

it("makes no entry of no jobs", () => {
  expect(jobEntries([])).toEqual([]);
});

it.each([
  ["no JSON", "{"],
  ["a form that never was", '{"v":0,"jobs":[]}'],
  ["a form that is no number", '{"v":"2","jobs":[]}'],
  ["nothing", "null"],
  ["no jobs", '{"v":1}'],
  [
    "more jobs than an entry holds",
    JSON.stringify({ v: 1, jobs: Array.from({ length: 101 }, (_, n) => job(`mon_${n}`)) }),
  ],
  ["a job without a URL", JSON.stringify({ v: 1, jobs: [{ ...job("mon_1"), config: { ...config, url: undefined } }] })],
  ["a job without a type", JSON.stringify({ v: 1, jobs: [{ ...job("mon_1"), type: undefined }] })],
])("refuses a message with %s as invalid_message", (_, body) => {
  expect(() => parseChecks(body).jobs).toThrowError(expect.objectContaining({ code: "invalid_message" }));
});

it.each([parseChecks, alertsDue.parse])("says of an entry without a body that it has none", (parse) => {
  const { body } = toMessage([["1-1", ["other", "fields", "body", "of theirs"]], 1]);
  expect(JSON.parse(body)).toEqual({ entryWithoutBody: ["other", "fields", "body", "of theirs"] });
  const message = "The stream entry has no field named body; all its fields are kept here.";
  expect(() => parse(body)).toThrowError(expect.objectContaining({ code: "invalid_message", message }));
});

it.each([parseChecks, alertsDue.parse])("leaves a message of a form to come to newer workers", (parse) => {
  expect(() => parse('{"v":2,"what":"is in it is not known yet"}')).toThrowError(
    expect.objectContaining({ code: "newer_message", transient: true }),
  );
});

it("ignores what a newer release has added to a form", () => {
  const [entry] = jobEntries([job("mon_1")]);
  const newer = JSON.stringify({ ...JSON.parse(entry?.body ?? ""), more: 1, jobs: [{ ...job("mon_1"), more: 1 }] });
  expect(parseChecks(newer).jobs).toEqual([job("mon_1")]);
  expect(alertsDue.parse('{"v":1,"ids":["ch_1"],"more":1}')).toEqual(["ch_1"]);
});

it("names what is wrong in a message", () => {
  expect(() => parseChecks('{"v":1,"jobs":[{}]}').jobs).toThrowError(/jobs\.0\.monitorId/);
  const broken = job("mon_1", { config: { ...config, expect: {} } });
  expect(() => parseChecks(JSON.stringify({ v: 1, jobs: [job("mon_0"), broken] }))).toThrowError(
    /jobs\.1\.config\.expect\.status/,
  );
});

it("sends a wake-up with up to 500 ids an entry", () => {
  const ids = Array.from({ length: 1001 }, (_, n) => `ch_${n}`);
  const entries = alertsDue.messages(ids);
  expect(entries.map((entry) => alertsDue.parse(entry.body).length)).toEqual([500, 500, 1]);
  expect(alertsDue.messages([])).toEqual([]);
});

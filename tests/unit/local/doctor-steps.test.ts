import { expect, test } from "vitest";
import { type Finding, take } from "../../../local/doctor/findings.ts";
import { connectivitySteps, databaseSteps, streamSteps } from "../../../local/doctor/steps.ts";
import type { Sql } from "../../../runtime/drivers/sql/sql.ts";
import { createMemoryStream } from "../../../runtime/drivers/stream/memory.ts";
import { answer, createScriptedHttp, failure } from "../../../testing/scripted-http.ts";

/** Answers every statement with this row. */
const sqlOf = (row: object) => (async () => [row]) as unknown as Sql; // what the steps use of it

const look = async (area: Finding["area"], steps: Parameters<typeof take>[1]) => {
  const findings: Finding[] = [];
  await take(area, steps, (finding) => findings.push(finding));
  return Object.fromEntries(findings.map(({ check, status, detail }) => [check, `${status}: ${detail}`]));
};

test("Postgres 14 is too old, and what comes after is looked at nevertheless", async () => {
  const sql = sqlOf({ name: "me", version: "14.9", number: 140_009, ms: Date.now() });
  const findings = await look("database", databaseSteps(sql, "DATABASE_URL"));
  expect(findings).toMatchObject({
    version: "fail: Postgres 14.9. Use Postgres 15 or newer.",
    clock: expect.stringMatching(/^ok/),
  });
});

test("A clock that is minutes off is reported", async () => {
  const sql = sqlOf({ name: "me", version: "17.0", number: 170_000, ms: Date.now() - 300_000 });
  expect(await look("database", databaseSteps(sql, "DATABASE_URL"))).toMatchObject({
    clock: expect.stringMatching(/^fail: the database's is 300\.\d s behind this one\. Set this machine's clock/),
  });
});

test("Redis 6 is too old", async () => {
  const stream = createMemoryStream();
  const findings = await look(
    "streams",
    streamSteps({ stream, sources: [], variable: "REDIS_URL", version: async () => "6.2.14" }),
  );
  expect(findings).toMatchObject({ version: "fail: Redis 6.2.14. Use Redis 7.0 or newer." });
  await stream.close();
});

test("One connectivity target that answers is enough; none at all would make every outage unknown", async () => {
  const http = createScriptedHttp();
  http.on("http://a.example/", () => failure("connect"));
  http.on("http://b.example/", () => answer(204));
  http.on("http://c.example/", () => failure("timeout"));
  const steps = (...urls: string[]) => look("connectivity", connectivitySteps(http, urls));
  expect(await steps("http://a.example/", "http://b.example/", "http://c.example/")).toEqual({
    "a.example": expect.stringMatching(/^warn: It was scripted to fail: connect\. Name others in CONNECTIVITY_TARGETS/),
    "b.example": "ok: answers",
    "c.example": expect.stringMatching(/^warn: It was scripted to fail: timeout\. Name others in CONNECTIVITY_TARGETS/),
    answers: "ok: 1 of 3 answer",
  });
  expect(await steps("http://a.example/")).toMatchObject({
    "a.example": expect.stringMatching(/^warn/),
    answers: expect.stringMatching(/^fail: None answers\. Name others in CONNECTIVITY_TARGETS/),
  });
  expect(await steps()).toMatchObject({ answers: expect.stringMatching(/^skip: CONNECTIVITY_TARGETS names none/) });
});

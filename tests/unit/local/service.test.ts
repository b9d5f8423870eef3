import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { functionsOf, readManifest } from "../../../local/load.ts";
import { startServices } from "../../../local/service.ts";
import { readOneProcessConfig } from "../../../runtime/config/config.ts";
import { serviceNames } from "../../../runtime/manifest.ts";
import { drain } from "../../../runtime/worker/drain.ts";
import { answer, createScriptedHttp } from "../../../testing/scripted-http.ts";
import { type TestEnv, testEnv } from "../../../testing/test-env.ts";

let env: TestEnv;
let dist: string;
let stop: () => Promise<unknown>;
let ran: string[];

beforeEach(async () => {
  env = await testEnv();
  ran = [];
  dist = await mkdtemp(join(tmpdir(), "stillup-service-"));
  await writeDist();
});

afterEach(async () => {
  await stop();
  await rm(dist, { recursive: true });
});

test("One process runs every function once, and a schedule of several workers once too", async () => {
  await start(await services());
  await vi.waitFor(async () =>
    expect((await heard()).sort()).toEqual(["apply-retention", "prune-consumers", "sweep-deliveries"]),
  );
});

test("A worker runs its own consumer and the schedules that name it", async () => {
  await start(["worker-notification"]);
  await vi.waitFor(async () => expect((await heard()).sort()).toEqual(["prune-consumers", "sweep-deliveries"]));
  await env.stream.publish([
    { stream: "monitoring", body: "a" },
    { stream: "notification", body: "b" },
  ]);
  await vi.waitFor(() => expect(env.http.calls.map(({ url }) => url)).toEqual(["http://notification/"]));
  expect(await env.stream.state("monitoring", "g")).toMatchObject({ length: 1 });
});

test("A worker with a limited http has another one than the rest, so that its calls hold up no other", async () => {
  const limited = await start(await services());
  await env.stream.publish([
    { stream: "monitoring", body: "a" },
    { stream: "notification", body: "b" },
  ]);
  await vi.waitFor(() => expect(env.http.calls.map(({ url }) => url)).toEqual(["http://notification/"]));
  await vi.waitFor(() => expect(limited.calls.map(({ url }) => url)).toEqual(["http://monitoring/"]));
});

async function services(): Promise<string[]> {
  return serviceNames(await readManifest(dist));
}

async function start(running: readonly string[]) {
  const limitedHttp = createScriptedHttp();
  for (const http of [env.http, limitedHttp]) http.on(() => answer(200));
  const config = { ...readOneProcessConfig({}, { dataDir: dist, apiKey: env.config.apiKey }), port: 0 };
  const bindings = { env: { ...env, limitedHttp }, sql: env.sql, close: async () => {} };
  const functions = functionsOf(await readManifest(dist), running);
  const isApi = running.includes("api");
  const { stages } = await startServices({ functions, isApi, config, bindings, log: env.log, dist });
  stop = () => drain(stages, { seconds: 5, log: env.log });
  return limitedHttp;
}

/** The schedules that have run since the test began, each as often as it ran. */
async function heard(): Promise<string[]> {
  const who = { stream: "ran", group: "test", consumer: "test" };
  const { signal } = new AbortController();
  const messages = await env.stream.read(who, { count: 100, blockMs: 0, signal });
  ran.push(...messages.map(({ body }) => body));
  return [...ran];
}

/** What build.mjs writes, with functions that only tell that they ran. */
async function writeDist(): Promise<void> {
  const ports = { monitoring: { http: "limited" }, notification: { http: "shared" }, "status-change": undefined };
  const workers = Object.entries(ports).map(([name, ports]) => ({
    name,
    ports,
    kind: "workers",
    file: `functions/workers/${name}.mjs`,
    source: { stream: name, group: "g", batchSize: 1, parallel: 1 },
    text: `export default { consume: async (_batch, env) => void await env.http.call({ url: "http://${name}/" }) };`,
  }));
  const runsWith = {
    "apply-retention": ["status-change"],
    "sweep-deliveries": ["notification"],
    "prune-consumers": ["monitoring", "status-change", "notification"],
  };
  const schedules = Object.entries(runsWith).map(([name, workers]) => ({
    name,
    kind: "schedules",
    file: `functions/schedules/${name}.mjs`,
    schedule: { everySeconds: 3600, runsWith: workers },
    text: `export default { scheduled: async () => ({ publish: [{ stream: "ran", body: "${name}" }] }) };`,
  }));
  const functions = [...workers, ...schedules];
  for (const { file, text } of functions) {
    await mkdir(dirname(join(dist, file)), { recursive: true });
    await writeFile(join(dist, file), text);
  }
  await writeFile(join(dist, "manifest.json"), JSON.stringify({ functions, settings: {}, metrics: [] }));
}

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Service, services } from "../../../local/load.ts";
import { startServices } from "../../../local/service.ts";
import { readOneProcessConfig } from "../../../runtime/config/config.ts";
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
  await start(services);
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

test("Probes have an http of their own, so that hanging targets hold up no alert", async () => {
  const probes = await start(services);
  await env.stream.publish([
    { stream: "monitoring", body: "a" },
    { stream: "notification", body: "b" },
  ]);
  await vi.waitFor(() => expect(env.http.calls.map(({ url }) => url)).toEqual(["http://notification/"]));
  await vi.waitFor(() => expect(probes.calls.map(({ url }) => url)).toEqual(["http://monitoring/"]));
});

async function start(running: readonly Service[]) {
  const probes = createScriptedHttp();
  for (const http of [env.http, probes]) http.on(() => answer(200));
  const config = { ...readOneProcessConfig({}, { dataDir: dist, apiKey: env.config.apiKey }), port: 0 };
  const bindings = { env, probeEnv: { ...env, http: probes }, sql: env.sql, close: async () => {} };
  const { stages } = await startServices({ running, config, bindings, log: env.log, dist });
  stop = () => drain(stages, { seconds: 5, log: env.log });
  return probes;
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
  const workers = ["monitoring", "notification"].map((name) => ({
    name,
    kind: "workers",
    file: `functions/workers/${name}.mjs`,
    source: { stream: name, group: "g", batchSize: 1, parallel: 1 },
    text: `export default { consume: async (_batch, env) => void await env.http.call({ url: "http://${name}/" }) };`,
  }));
  const runsIn = {
    "apply-retention": ["worker-status-change"],
    "sweep-deliveries": ["worker-notification"],
    "prune-consumers": ["worker-monitoring", "worker-status-change", "worker-notification"],
  };
  const schedules = Object.entries(runsIn).map(([name, workers]) => ({
    name,
    kind: "schedules",
    file: `functions/schedules/${name}.mjs`,
    schedule: { everySeconds: 3600, runsIn: workers },
    text: `export default { scheduled: async () => ({ publish: [{ stream: "ran", body: "${name}" }] }) };`,
  }));
  const functions = [...workers, ...schedules];
  for (const { file, text } of functions) {
    await mkdir(dirname(join(dist, file)), { recursive: true });
    await writeFile(join(dist, file), text);
  }
  await writeFile(join(dist, "manifest.json"), JSON.stringify({ functions }));
}

import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { createRedisStream } from "../../../runtime/drivers/stream/redis.ts";
import type { EventStream } from "../../../runtime/drivers/stream/stream.ts";
import { apiClient } from "../../../testing/api.ts";
import { useDist } from "../../../testing/dist.ts";
import { serveHttp } from "../../../testing/http-servers.ts";
import { postgresMissing, startPostgres, type TestPostgres } from "../../../testing/postgres.ts";
import { type Program, startProgram } from "../../../testing/program.ts";
import { type OwnRedis, ownRedisMissing, startOwnRedis } from "../../../testing/redis.ts";

const missing = postgresMissing ?? ownRedisMissing;

describe.skipIf(missing !== null)(`Services on Postgres and Redis${missing === null ? "" : `: ${missing}`}`, () => {
  const dist = useDist();
  let postgres: TestPostgres;
  let redis: OwnRedis;
  let stream: EventStream;

  beforeAll(async () => {
    [postgres, redis] = await Promise.all([startPostgres(), startOwnRedis()]);
    stream = createRedisStream({ url: redis.url });
  });
  afterAll(async () => {
    await stream?.close();
    await Promise.all([postgres?.stop(), redis?.stop()]);
  });

  const variablesFor = (databaseUrl: string) => ({
    DATABASE_URL: databaseUrl,
    REDIS_URL: redis.url,
    API_KEY: "k".repeat(40),
    NETWORK_POLICY: "private",
    PORT: "0",
    WORKER_PORT: "0",
  });
  const start = (name: string, variables: Record<string, string>): Program => {
    const program = startProgram(dist(), [name], variables);
    onTestFinished(async () => {
      program.signal("SIGKILL");
      await program.exit;
    });
    return program;
  };
  const urlOf = async (program: Program) => (await program.printed(/"message":"Running\.".*"url":"([^"]+)"/))[1] ?? "";

  test("start only on a database that migrate was run on, which may be run again", async () => {
    const variables = variablesFor(await postgres.createEmptyDatabase());
    const early = start("worker-notification", variables);
    expect(await early.exit).toBe(1);
    expect(early.stderr()).toMatch(/^stillup: .* lacks the migrations 0001-.*\. Run the service migrate first\.\n$/);
    const migrate = start("migrate", variables);
    expect(await migrate.exit).toBe(0);
    expect(migrate.stdout()).toMatch(/"applied":\["0001-/);
    const again = start("migrate", variables);
    expect(await again.exit).toBe(0);
    expect(again.stdout()).toMatch(/"applied":\[\]/);
    await urlOf(start("worker-notification", variables));
  });

  test("say that Redis cannot be reached, and end with 1", async () => {
    const variables = variablesFor(await postgres.createDatabase());
    const program = start("api", { ...variables, REDIS_URL: "redis://127.0.0.1:1" });
    expect(await program.exit).toBe(1);
    expect(program.stderr()).toMatch(
      /^stillup: Redis at 127\.0\.0\.1:1 cannot be reached: .* that REDIS_URL is right\.\n$/,
    );
  });

  test("answer for their health and metrics without a key, and a worker serves nothing else", async () => {
    const worker = await urlOf(start("worker-status-change", variablesFor(await postgres.createDatabase())));
    for (const path of ["/healthz", "/readyz", "/metrics"]) expect((await fetch(worker + path)).status, path).toBe(200);
    const metrics = await (await fetch(`${worker}/metrics`)).text();
    expect(metrics).toMatch(/^stillup_stream_pending\{stream="status\.changed",service="worker-status-change"\} 0$/m);
    const headers = { authorization: `Bearer ${"k".repeat(40)}` };
    expect((await fetch(`${worker}/v1/monitors`, { headers })).status).toBe(404);
  });

  test("that are stopped in the middle of a check hand it to the next, and end with 0", async () => {
    const variables = variablesFor(await postgres.createDatabase());
    const target = await serveHttp(() => {}); // it never answers
    const api = start("api", variables);
    const first = start("worker-monitoring", variables);
    await Promise.all([urlOf(api), urlOf(first)]);
    const client = apiClient(await urlOf(api), variables.API_KEY);
    await client.call("POST", "/v1/monitors", {
      name: "Hangs",
      type: "http",
      url: target.url,
      timeoutMs: 40_000,
      intervalSeconds: 60,
    });
    await vi.waitFor(() => expect(target.connections()).toBe(1), { timeout: 20_000 });

    first.signal("SIGTERM");
    expect(await first.exit).toBe(0);
    expect(first.stderr()).toBe("");
    expect(await stream.state("checks.due", "monitoring")).toMatchObject({ length: 1, pending: 0 });
    const second = start("worker-monitoring", variables);
    await vi.waitFor(() => expect(target.connections()).toBe(2), { timeout: 20_000 });
    for (const program of [second, api]) program.signal("SIGTERM");
    expect(await Promise.all([second.exit, api.exit])).toEqual([0, 0]);
    await target.close();
  });

  /** An API that has one request in hand which takes 15 s, for a receiver that never answers. */
  const startBusyApi = async (drainSeconds: number) => {
    const receiver = await serveHttp(() => {});
    onTestFinished(() => receiver.close());
    const variables = { ...variablesFor(await postgres.createDatabase()), DRAIN_SECONDS: `${drainSeconds}` };
    const api = start("api", variables);
    const client = apiClient(await urlOf(api), variables.API_KEY);
    const channel = { name: "Hangs", type: "webhook", config: { url: receiver.url } };
    const { id } = await client.call<{ id: string }>("POST", "/v1/channels", channel);
    const answer = client.call("POST", `/v1/channels/${id}/test`).catch(() => "cut off");
    await vi.waitFor(() => expect(receiver.connections()).toBe(1), { timeout: 20_000 });
    return { api, answer };
  };

  test("break off a request that does not end, and end with 0 within DRAIN_SECONDS", async () => {
    const { api, answer } = await startBusyApi(4);
    api.signal("SIGTERM");
    expect(await api.exit).toBe(0);
    expect(api.stderr()).toBe("");
    expect(await answer).toBe("cut off");
  });

  test("end at once with 1 at a second signal", async () => {
    const { api, answer } = await startBusyApi(60);
    const telling = setInterval(() => api.signal("SIGTERM"), 50);
    expect(await api.exit).toBe(1);
    clearInterval(telling);
    expect(api.stderr()).toBe("stillup: Stopped at once. Left undone: the API: 1 requests\n");
    expect(await answer).toBe("cut off");
  });
});

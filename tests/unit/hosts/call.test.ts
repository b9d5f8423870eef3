import { expect, test } from "vitest";
import { settings } from "../../../domain/config.ts";
import { lambdaHandler } from "../../../hosts/lambda/handler.ts";
import { answer, once, openBindings } from "../../../hosts/shared/call.ts";
import { readHostConfig } from "../../../hosts/shared/config.ts";
import { StillupError } from "../../../runtime/errors.ts";

const artefact = {
  routes: [],
  workers: [],
  schedules: [],
  sources: [],
  settings,
  metrics: [],
  openHttp: null,
  work: null,
};
const variables = {
  DATABASE_URL: "postgres://user:secret@ep-test-stillup-00000000.c-0.local-1.aws.neon.tech/db",
  UPSTASH_REDIS_REST_URL: "https://name.upstash.io",
  UPSTASH_REDIS_REST_TOKEN: "secret-token",
  API_KEY: "the-key-of-every-host-that-is-tested-0123456789",
};
const request = new Request("https://stillup.test/v1/monitors");
const call = { requestId: "request-1", deadline: Date.now() + 700 };

test("A route that does not answer before the deadline is a problem in time, and its signal aborts", async () => {
  let signal: AbortSignal | undefined;
  const { response } = await answer(request, {
    router: (_request, _env, ctx) => {
      signal = ctx.signal;
      return new Promise(() => {});
    },
    open: () => openBindings("lambda", artefact, variables),
    call,
  });
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ code: "not_ready", requestId: "request-1" });
  expect(signal?.aborted).toBe(true);
});

test("A configuration that cannot be used is answered with a problem that names none of it", async () => {
  const { response } = await answer(request, {
    router: () => Promise.reject(new Error("never asked")),
    open: () => openBindings("lambda", artefact, { ...variables, API_KEY: "short" }),
    call,
  });
  expect(response.status).toBe(500);
  const text = await response.text();
  expect(text).toContain("invalid_configuration");
  expect(text).not.toMatch(/API_KEY|short|secret/);
});

test("Services over TCP are refused, both at once, with what to change", () => {
  const overTcp = {
    API_KEY: variables.API_KEY,
    DATABASE_URL: "postgres://a:b@db.example/c",
    REDIS_URL: "redis://r.example:1",
  };
  const refusal = refusalOf(() => readHostConfig("lambda", overTcp, settings));
  expect(refusal.errors?.map(({ field }) => field)).toEqual(["DATABASE_URL", "REDIS_URL"]);
  expect(refusal.errors?.[0]?.message).toMatch(/has only HTTP: use a Neon database/);
});

test("Functions are shown no connection string, and on Workers few calls go out at once", () => {
  const { config } = readHostConfig("cloudflare", variables, settings);
  expect(JSON.stringify(config)).not.toMatch(/neon\.tech|upstash|secret/);
  expect(config.workerConcurrency).toBe(3);
  expect(readHostConfig("lambda", variables, settings).config.workerConcurrency).toBe(200);
});

test("A tick works for as long as WORK_SECONDS says, and /healthz shows what follows", () => {
  expect(readHostConfig("lambda", variables, settings).config.limits).toMatchObject({
    minIntervalSeconds: 5,
    alertWithinSeconds: 5,
  });
  const { workSeconds, config } = readHostConfig("lambda", { ...variables, WORK_SECONDS: "20" }, settings);
  expect([workSeconds, config.limits.minIntervalSeconds, config.limits.alertWithinSeconds]).toEqual([20, 60, 45]);
});

test("A request of a Lambda function without routes is refused with what to change", async () => {
  const handler = lambdaHandler({ ...artefact, answering: null }, variables);
  const requestContext = { domainName: "stillup.test", http: { method: "GET" } };
  const event = { rawPath: "/v1/monitors", rawQueryString: "", headers: {}, requestContext };
  const context = { awsRequestId: "request-1", getRemainingTimeInMillis: () => 1000 };
  await expect(handler(event, context)).rejects.toThrow(/ticks and messages alone: requests are for one that holds/);
});

test("What could not be made is made again, and what could is kept", () => {
  let tries = 0;
  const make = once(() => {
    tries += 1;
    if (tries === 1) throw new Error("not yet");
    return tries;
  });
  expect(make).toThrow("not yet");
  expect([make(), make()]).toEqual([2, 2]);
});

function refusalOf(act: () => unknown): StillupError {
  try {
    act();
  } catch (error) {
    if (error instanceof StillupError) return error;
  }
  throw new Error("Nothing was refused.");
}

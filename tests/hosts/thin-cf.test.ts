import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildHost } from "../../build-hosts.mjs";
import { NEON_HOST } from "../support/neon.ts";
import { startCloudflare } from "./support/cloudflare.ts";
import { installRuntimes } from "./support/runtimes.ts";
import { API_KEY, type HostServices, startHostServices } from "./support/services.ts";

let services: HostServices;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stillup-hosts-"));
  services = await startHostServices();
}, 120_000);
afterAll(async () => {
  await services.stop();
  await rm(folder, { recursive: true });
});

test("cloudflare", async () => {
  const built = await buildHost({ host: "cloudflare", only: "all", outDir: folder });
  console.log(built);
  const app = await startCloudflare({
    file: built[0]?.file ?? "",
    runtimes: await installRuntimes(),
    variables: { ...services.variables, WORK_SECONDS: "8" },
    neon: { port: services.neon.address.port, ca: services.neon.ca, host: NEON_HOST.replace(/^[^.]*/, "api") },
  });
  const request = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(app.origin + path, {
      method,
      headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
    });
    return [answer.status, [...answer.headers], await answer.text()];
  };
  try {
    console.log(await request("GET", "/healthz"));
    console.log(
      await request("POST", "/v1/monitors", {
        name: "a",
        type: "http",
        url: "http://127.0.0.1:1/",
        intervalSeconds: 60,
      }),
    );
    const at = performance.now();
    console.log(await app.scheduled(), performance.now() - at);
    console.log(await request("GET", "/v1/monitors"));
    console.log(await app.queue("checks-due", [{ id: "1", body: "x", attempts: 1 }]));
  } finally {
    console.log(app.printed());
    await app.stop();
  }
  expect(1).toBe(1);
}, 120_000);

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildHost } from "../../build-hosts.mjs";
import { startLambda } from "./support/lambda.ts";
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

test("lambda", async () => {
  const built = await buildHost({ host: "lambda", only: "all", outDir: folder });
  const variables = {
    ...services.variables,
    WORK_SECONDS: "8",
    NODE_OPTIONS: `--import=${join(import.meta.dirname, "support/route-neon.mjs")}`,
    NEON_PORT: services.neon.address.port,
    NEON_CA: services.neon.ca,
  };
  const lambda = await startLambda({
    zip: built[0]?.zip ?? "",
    runtimes: await installRuntimes(),
    variables,
    timeoutMs: 20_000,
  });
  const request = (method: string, rawPath: string, body?: unknown) => ({
    version: "2.0",
    rawPath,
    rawQueryString: "",
    headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" },
    requestContext: { domainName: "stillup.test", http: { method, path: rawPath } },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  console.log(await lambda.invoke(request("GET", "/healthz")));
  console.log(
    await lambda.invoke(
      request("POST", "/v1/monitors", { name: "a", type: "http", url: "http://127.0.0.1:1/", intervalSeconds: 60 }),
    ),
  );
  const at = performance.now();
  console.log(await lambda.invoke({ "detail-type": "Scheduled Event" }), performance.now() - at);
  console.log(await lambda.invoke(request("GET", "/v1/monitors")));
  console.log(lambda.printed());
  await lambda.stop();
  expect(1).toBe(1);
}, 120_000);

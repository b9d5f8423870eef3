import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type BuiltArtefact, buildHost, hostLimits, hostTable } from "../../../build/hosts.mjs";

// A build of every artefact is seconds of a processor; on a busy machine that takes a while.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stillup-build-hosts-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe.each(["lambda", "cloudflare", "fetch"] as const)("The build for %s", (host) => {
  let built: BuiltArtefact[];
  beforeAll(async () => {
    built = await buildHost({ host, outDir: join(folder, host) });
  });

  test("has an artefact for every function, and api, worker and all", async () => {
    const { functions } = JSON.parse(await readFile(join(folder, host, "manifest.json"), "utf8"));
    const names = functions.map(({ name }: { name: string }) => name);
    expect(built.map(({ name }) => name)).toEqual([...names, "api", "worker", "all"]);
  });

  test("keeps a function under 360 KB and 110 KB gzipped, unless it declares the port http", () => {
    const functions = built.filter(({ name }) => !["api", "worker", "all"].includes(name));
    const callsOut = functions.filter((artefact) => artefact.callsOut).map(({ name }) => name);
    // enqueue-checks looks whether Stillup is online again.
    expect(callsOut).toEqual(["test-channel", "monitoring", "notification", "enqueue-checks", "sweep-deliveries"]);
    const heavy = functions.filter(({ bytes, gzipBytes }) => bytes >= 360_000 || gzipBytes >= 110_000);
    expect(heavy.filter((artefact) => !artefact.callsOut)).toEqual([]);
  });

  test("prints sizes against budgets, and what the host does not do", async () => {
    expect(hostTable(built)).toMatch(/^get-monitor +\d+\.\d KB +\d+\.\d KB gzipped +of +360\.0 KB$/m);
    expect((await hostLimits(host)).limitations.length > 0).toBe(host !== "lambda");
  });

  test("makes the same bytes again", async () => {
    const again = await buildHost({ host, only: ["monitoring"], outDir: join(folder, `${host}-again`) });
    const digests = async (name: string) => digestsOf(join(folder, name, "hosts", host, "monitoring"));
    expect(await digests(`${host}-again`)).toEqual(await digests(host));
    const { zip } = again[0] ?? {};
    if (zip !== undefined) expect(await digestOf(zip)).toBe(await digestOf(zip.replace(`${host}-again`, host)));
  });

  if (host !== "lambda") return;

  test("puts the handler and its source map into a zip, and nothing else", async () => {
    const files = unzipSync(await readFile(built[0]?.zip ?? ""));
    expect(Object.keys(files)).toEqual(["index.mjs", "index.mjs.map"]);
    expect(Buffer.from(files["index.mjs"] ?? []).toString()).toContain("//# sourceMappingURL=index.mjs.map");
  });
});

test.each([
  [{ host: "nowhere" }, /There is no host "nowhere"\. Choose one of lambda, cloudflare, fetch\./],
  [{ host: "constructor" }, /There is no host "constructor"\./],
  [
    { host: "fetch", only: ["monitoring", "nothing"] },
    /There is no function nothing\. dist\/manifest\.json lists them; api, worker, all have many\./,
  ],
] as const)("A build of %j says what there is", async (options, message) => {
  const build = buildHost({ ...(options as { host: "fetch" }), outDir: join(folder, "wrong") });
  await expect(build).rejects.toThrow(message);
});

async function digestsOf(path: string): Promise<string[]> {
  return Promise.all((await readdir(path)).sort().map((name) => digestOf(join(path, name))));
}

async function digestOf(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { inflateRawSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { build, packedOpenApi, sizeTable, watchSources } from "../../../build.mjs";
import type { Manifest } from "../../../runtime/manifest.ts";
import { useDist } from "../../../testing/dist.ts";

const root = join(import.meta.dirname, "../../..");

test("node build.mjs builds nothing for an argument that it does not know", () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "build.mjs"), "--hots", "lambda"]);
  expect([status, `${stdout}`, `${stderr}`]).toEqual([2, "", expect.stringContaining("--host lambda")]);
});

describe("The project's own build", () => {
  const dist = useDist();
  const manifest = async () => JSON.parse(await readFile(join(dist(), "manifest.json"), "utf8")) as Manifest;

  test("has a bundle for every function file, and each is under its budget of 60 KB", async () => {
    const { functions } = await manifest();
    const files = await Promise.all(
      ["api", "workers", "schedules"].map(async (kind) => {
        const names = await readdir(join(root, "functions", kind));
        return names.map((name) => `functions/${kind}/${name.replace(/\.ts$/, ".mjs")}`).sort();
      }),
    );
    expect(functions.map(({ file }) => file)).toEqual(files.flat());
    expect(functions.filter(({ bytes }) => bytes >= 60_000)).toEqual([]);
  });

  test("tells of each function what a host must know", async () => {
    const { functions } = await manifest();
    const find = (name: string) => functions.find((fn) => fn.name === name);
    expect(find("create-monitor")).toMatchObject({
      kind: "api",
      route: { method: "POST", path: "/v1/monitors", auth: "key" },
    });
    expect(find("monitoring")).toMatchObject({
      kind: "workers",
      source: { stream: "checks.due", group: "monitoring" },
    });
    expect(find("apply-retention")).toMatchObject({ kind: "schedules", schedule: { everySeconds: 3600 } });
  });

  test("makes the same bytes again", async () => {
    const again = join(dirname(dist()), `${dist().split("/").at(-1)}-again`);
    await build({ outDir: again });
    const [first, second] = [await digests(dist()), await digests(again)];
    await rm(again, { recursive: true });
    expect(first.size).toBeGreaterThan(60);
    expect(second).toEqual(first);
  });

  test("gives get-openapi the document of all routes, itself among them", async () => {
    const { functions } = await manifest();
    const paths = functions.flatMap((fn) =>
      fn.kind === "api" ? [`${fn.route.method.toLowerCase()} ${fn.route.path}`] : [],
    );
    const document = unpack(await packedOpenApi()) as { paths: Record<string, object> };
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods)
        .filter((key) => ["get", "post", "patch", "delete"].includes(key))
        .map((method) => `${method} ${path}`),
    );
    expect(described.sort()).toEqual(paths.sort());
    const text = await readFile(join(dist(), "functions/api/get-openapi.mjs"), "utf8");
    expect(text).toContain(await packedOpenApi());
  });

  test("loads a driver only when a process makes it", async () => {
    const local = join(dist(), "local");
    const chunks = await readdir(join(local, "chunks"));
    const drivers = ["postgres", "redis", "undici", "pglite"].map((name) => `chunks/${name}-`);
    for (const driver of drivers)
      expect(
        chunks.some((name) => `chunks/${name}`.startsWith(driver)),
        driver,
      ).toBe(true);
    const starting = [
      "main.mjs",
      ...chunks.filter((name) => /^(run|migrate)-/.test(name)).map((name) => `chunks/${name}`),
    ];
    for (const file of starting) {
      const loaded = await loadedWith(local, file);
      expect(
        [...loaded].filter((path) => drivers.some((driver) => path.startsWith(driver))),
        file,
      ).toEqual([]);
    }
  });
});

describe("A build", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "stillup-build-"));
    await write("functions/api/get-thing.ts", route);
    await write(
      "functions/workers/work.ts",
      `export const source = { stream: "s", group: "g", batchSize: 1, parallel: 1 };
      export default { consume: async () => {}, deadLetter: async () => {} };`,
    );
    await write(
      "functions/schedules/tick.ts",
      `export const schedule = { everySeconds: 5, runsWith: [] };
      export default { scheduled: async () => {} };`,
    );
    await write("local/main.ts", "console.log(1);");
    await write("runtime/api/openapi.ts", "export const openApiDocument = (routes: object[]) => ({ paths: routes });");
    await write("domain/empty.ts", "");
    await write("migrations/0001-a.sql", "select 1;");
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  };

  test("writes bundles, migrations and the manifest, without what is no data", async () => {
    const manifest = await build({ root: folder });
    expect(manifest.functions).toMatchObject([
      { name: "get-thing", kind: "api", file: "functions/api/get-thing.mjs" },
      { name: "work", kind: "workers", source: { stream: "s" } },
      { name: "tick", kind: "schedules", schedule: { everySeconds: 5, runsWith: [] } },
    ]);
    expect(manifest.functions[0]).toHaveProperty("route", {
      method: "GET",
      path: "/v1/thing",
      auth: "key",
      summary: "",
    });
    expect(JSON.parse(await readFile(join(folder, "dist/manifest.json"), "utf8"))).toEqual(manifest);
    expect(await readFile(join(folder, "dist/migrations/0001-a.sql"), "utf8")).toBe("select 1;");
    expect(sizeTable(manifest)).toMatch(/api +get-thing +0\.\d KB/);
  });

  test("puts the settings and metrics that domain/ declares into the manifest", async () => {
    expect(await build({ root: folder })).toMatchObject({ settings: {}, metrics: [] });
    const [setting, metric] = [
      { variable: "DAYS", type: "integer" },
      { name: "stillup_days", kind: "gauge" },
    ];
    await write("domain/config.ts", `export const settings = { days: ${JSON.stringify(setting)} };`);
    await write("domain/metrics.ts", `export const days = ${JSON.stringify(metric)};`);
    const { settings, metrics } = await build({ root: folder });
    expect([settings, metrics]).toEqual([{ days: setting }, [metric]]);
  });

  test("fails when a bundle is over its budget, and names it and its size", async () => {
    await write(
      "functions/workers/work.ts",
      `export const source = {}; export const big = "${"x".repeat(2000)}";
      export default { consume: async () => big, deadLetter: async () => {} };`,
    );
    await expect(build({ root: folder, budgetBytes: 2000 })).rejects.toThrow(
      "functions/workers/work.mjs is 2.1 KB; a function's budget is 2.0 KB",
    );
  });

  test("fails when a function holds a driver, and names both", async () => {
    await write(
      "functions/api/get-thing.ts",
      `import { neon } from "@neondatabase/serverless"; export const sql = neon; ${route}`,
    );
    await expect(build({ root: folder, budgetBytes: 1e9 })).rejects.toThrow(
      "functions/api/get-thing.ts holds the package @neondatabase/serverless",
    );
  });

  test("fails when a function reaches for a Node built-in by its bare name", async () => {
    await write(
      "functions/api/get-thing.ts",
      `import { readFileSync } from "fs"; export const read = readFileSync; ${route}`,
    );
    await expect(build({ root: folder })).rejects.toThrow('functions/api/get-thing.ts imports "fs"');
  });

  test.each([
    ["functions/api/get-thing.ts", "export default {};", "must export default { fetch } and const route"],
    [
      "functions/workers/work.ts",
      "export const source = {}; export default { consume() {} };",
      "must export default { consume, deadLetter } and const source",
    ],
    [
      "functions/schedules/tick.ts",
      "export const schedule = {};",
      "must export default { scheduled } and const schedule",
    ],
  ])("fails when %s does not export what its kind needs", async (path, text, message) => {
    await write(path, text);
    await expect(build({ root: folder })).rejects.toThrow(`${path} ${message}`);
  });

  test("gives virtual:openapi what openApiDocument makes of the routes", async () => {
    const importing = `import packed from "virtual:openapi"; export const text = packed; ${route}`;
    await write("functions/api/get-thing.ts", importing);
    await build({ root: folder });
    const { text } = await import(pathToFileURL(join(folder, "dist/functions/api/get-thing.mjs")).href);
    expect(unpack(text)).toMatchObject({
      paths: [{ name: "get-thing", route: { method: "GET", path: "/v1/thing" } }],
    });
  });

  test("takes away what an earlier build left", async () => {
    await build({ root: folder });
    await write("dist/local/chunks/old-ABC.mjs", "");
    await rm(join(folder, "functions/schedules/tick.ts"));
    await build({ root: folder });
    const left = await readdir(join(folder, "dist"), { recursive: true });
    expect(left.filter((name) => /old|tick/.test(name))).toEqual([]);
  });

  test("that watches builds at once, and once for a burst of changes", async () => {
    let builds = 0;
    const unwatch = watchSources(async () => {
      builds += 1;
    }, folder);
    await vi.waitFor(() => expect(builds).toBe(1));
    for (let save = 0; save < 20; save++) await write("domain/empty.ts", `export const save = ${save};`);
    await vi.waitFor(() => expect(builds).toBe(2));
    await write("functions/api/get-thing.ts", `${route}\n`);
    await vi.waitFor(() => expect(builds).toBe(3));
    unwatch();
    await utimes(join(folder, "domain/empty.ts"), 1, 1);
    expect(builds).toBe(3);
  });
});

const route = `export const route = { method: "GET", path: "/v1/thing", auth: "key", summary: "", query: { parse() {} } };
  export default { fetch: async () => new Response() };`;

function unpack(document: string): unknown {
  return JSON.parse(inflateRawSync(Buffer.from(document, "base64")).toString());
}

/** All files of a folder with a digest of what they hold. */
async function digests(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const pairs = files.sort().map(async (path) => {
    const hash = createHash("sha256").update(await readFile(path));
    return [path.slice(folder.length), hash.digest("hex")] as const;
  });
  return new Map(await Promise.all(pairs));
}

/** The files that are loaded before this one runs, itself included. */
async function loadedWith(folder: string, file: string, seen = new Set<string>()): Promise<Set<string>> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = await readFile(join(folder, file), "utf8");
  for (const [, path] of text.matchAll(/^(?:import|\} from)[^;]*?"(\.[^"]+)";/gm)) {
    await loadedWith(folder, join(dirname(file), path ?? ""), seen);
  }
  return seen;
}

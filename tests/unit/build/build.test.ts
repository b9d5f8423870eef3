import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { inflateRawSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { build, packedOpenApi, sizeTable } from "../../../build/project.mjs";
import { watchSources } from "../../../build/watch.mjs";
import type { Manifest } from "../../../runtime/manifest.ts";
import { useDist } from "../../../testing/dist.ts";

const root = join(import.meta.dirname, "../../..");

describe("The project's own build", () => {
  const dist = useDist();
  const manifest = async () => JSON.parse(await readFile(join(dist(), "manifest.json"), "utf8")) as Manifest;

  test("has a bundle for every function file, and each is under its budget of 80 KB", async () => {
    const { functions } = await manifest();
    const files = await Promise.all(
      ["api", "workers", "schedules"].map(async (kind) => {
        const names = await readdir(join(root, "functions", kind));
        return names.map((name) => `functions/${kind}/${name.replace(/\.ts$/, ".mjs")}`).sort();
      }),
    );
    expect(functions.map(({ file }) => file)).toEqual(files.flat());
    expect(functions.filter(({ bytes }) => bytes >= 80_000)).toEqual([]);
  });

  test("says of each function what a host must know", async () => {
    const { functions } = await manifest();
    const find = (name: string) => functions.find((fn) => fn.name === name);
    expect(find("create-monitor")).toMatchObject({
      kind: "api",
      route: { method: "POST", path: "/v1/monitors", auth: "key" },
    });
    expect(find("monitoring")).toMatchObject({
      kind: "workers",
      source: { stream: "checks.due", group: "monitoring" },
      ports: { http: "limited" },
    });
    expect(find("create-monitor")).not.toHaveProperty("ports");
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
      `export const schedule = { everySeconds: 5, runsWith: ["work"] };
      export default { scheduled: async () => {} };`,
    );
    await write("local/main.ts", "console.log(1);");
    await write("runtime/api/openapi.ts", describing);
    await write("domain/empty.ts", "");
    await write("migrations/0001-a.sql", "select 1;");
    await write("migrations/released.json", "{}");
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  };

  test("writes bundles, migrations and a manifest that has only the data of a route", async () => {
    const manifest = await build({ root: folder });
    expect(manifest.functions).toMatchObject([
      { name: "get-thing", kind: "api", file: "functions/api/get-thing.mjs" },
      { name: "work", kind: "workers", source: { stream: "s" } },
      { name: "tick", kind: "schedules", schedule: { everySeconds: 5, runsWith: ["work"] } },
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

  test("refuses a migration that was edited or removed after its release, and one that was not released yet may be edited", async () => {
    const original = "create table a (n int);\ncreate table b (n int);\n";
    const checksum = createHash("sha256").update(original).digest("hex");
    await write("migrations/released.json", JSON.stringify({ "0002-b": checksum }));
    await write("migrations/0002-b.sql", original.replaceAll("\n", "\r\n"));
    await build({ root: folder });
    expect((await readdir(join(folder, "dist/migrations"))).sort()).toEqual(["0001-a.sql", "0002-b.sql"]);
    await write("migrations/0001-a.sql", "select 2;");
    await build({ root: folder });
    const before = await digests(join(folder, "dist"));
    await write("migrations/0002-b.sql", original.replace("b (n int)", "b (n bigint)"));
    await expect(build({ root: folder })).rejects.toThrow("migrations/0002-b.sql was edited after its release");
    await rm(join(folder, "migrations/0002-b.sql"));
    await expect(build({ root: folder })).rejects.toThrow("migrations/0002-b.sql is missing");
    expect(await digests(join(folder, "dist"))).toEqual(before);
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

  test("fails when a function contains a driver, and names both", async () => {
    await write(
      "functions/api/get-thing.ts",
      `import { neon } from "@neondatabase/serverless"; export const sql = neon; ${route}`,
    );
    await expect(build({ root: folder, budgetBytes: 1e9 })).rejects.toThrow(
      "functions/api/get-thing.ts contains the package @neondatabase/serverless",
    );
  });

  test("fails when a function imports a Node built-in by its bare name", async () => {
    await write(
      "functions/api/get-thing.ts",
      `import { readFileSync } from "fs"; export const read = readFileSync; ${route}`,
    );
    await expect(build({ root: folder })).rejects.toThrow('functions/api/get-thing.ts imports "fs"');
  });

  test.each([
    ["a syntax error", "export const route = {;", "functions/api/half-written.ts:1:23: Expected identifier"],
    [
      "an import of a file that does not exist",
      `import { nothing } from "../../domain/nothing.ts"; export const kept = nothing; ${route}`,
      'functions/api/half-written.ts:1:25: Could not resolve "../../domain/nothing.ts"',
    ],
    [
      "an import from a file that exports nothing",
      `import { nothing } from "../../domain/empty.ts"; export const kept = nothing; ${route}`,
      'functions/api/half-written.ts:1:10: Import "nothing" will always be undefined because the file "domain/empty.ts" has no exports',
    ],
    [
      "an import of a name that another file does not export",
      `import { nothing } from "./get-thing.ts"; export const kept = nothing; ${route}`,
      'functions/api/half-written.ts:1:10: No matching export in "functions/api/get-thing.ts" for import "nothing"',
    ],
    [
      "no route",
      "export default { fetch: async () => new Response() };",
      'functions/api/half-written.ts does not export "route". Add: export const route =',
    ],
    [
      "no default export",
      route.replace(/export default .*/, ""),
      'functions/api/half-written.ts has no default export with a method "fetch". Add: export default handle(',
    ],
    ["nothing at all", "", 'functions/api/half-written.ts does not export "route".'],
    [
      "a throw when it is loaded",
      `${route}\nthrow new Error("no such table");`,
      "functions/api/half-written.ts throws when it is loaded: Error: no such table (functions/api/half-written.ts:3)",
    ],
    [
      "the address of another route",
      route,
      "functions/api/half-written.ts and functions/api/get-thing.ts both answer GET /v1/thing.",
    ],
    [
      "a route that OpenAPI cannot describe",
      route.replace('path: "/v1/thing"', 'path: "/v1/other", broken: true'),
      "functions/api/half-written.ts exports a route that OpenAPI cannot describe: Error: broken",
    ],
  ])("names a route that has %s, though get-openapi imports every route", async (_, text, message) => {
    await write("functions/api/get-openapi.ts", importing);
    await write("functions/api/half-written.ts", text);
    const error = await build({ root: folder }).catch((error: Error) => error);
    expect(error).toHaveProperty("message", expect.stringContaining(message));
    expect(error).not.toHaveProperty("message", expect.stringContaining("get-openapi"));
  });

  test("names the source of what a function imports and that throws", async () => {
    await write("domain/shared/limits.ts", `\n\nexport const limit = JSON.parse("{");`);
    await write("functions/api/get-thing.ts", `export { limit } from "../../domain/shared/limits.ts"; ${route}`);
    await expect(build({ root: folder })).rejects.toThrow(
      /^functions\/api\/get-thing\.ts throws when it is loaded: SyntaxError: .* \(domain\/shared\/limits\.ts:3\)/,
    );
  });

  test.each([
    [
      "functions/workers/work.ts",
      "export const source = {}; export default { consume() {} };",
      'functions/workers/work.ts has no default export with a method "deadLetter". Add: export default {',
    ],
    [
      "functions/schedules/tick.ts",
      "export const schedule = {};",
      'functions/schedules/tick.ts has no default export with a method "scheduled". Add: export default {',
    ],
    [
      "functions/schedules/tick.ts",
      "export default { scheduled() {} };",
      'functions/schedules/tick.ts does not export "schedule". Add: export const schedule: Schedule =',
    ],
  ])("fails when %s is %s", async (path, text, message) => {
    await write(path, text);
    await expect(build({ root: folder })).rejects.toThrow(message);
  });

  test("names every mistake at once, and changes nothing of what was built before", async () => {
    await build({ root: folder });
    const before = await digests(join(folder, "dist"));
    await write("functions/api/get-thing.ts", "export default {};");
    await write("functions/schedules/tick.ts", "throw new Error();");
    const error: Error = await build({ root: folder }).then(
      () => expect.fail("It was built."),
      (error) => error,
    );
    expect(error.message.split("\n")).toEqual([
      expect.stringMatching(/^functions\/api\/get-thing\.ts has no default export/),
      expect.stringMatching(/^functions\/api\/get-thing\.ts does not export "route"/),
      expect.stringMatching(/^functions\/schedules\/tick\.ts throws/),
    ]);
    expect(await digests(join(folder, "dist"))).toEqual(before);
  });

  test.each([
    ["the registry of probes", "domain/kinds/probes.ts", "a probe", "Import domain/kinds/schemas.ts"],
    ["one probe", "domain/kinds/echo/probe.ts", "a probe", "Import domain/kinds/schemas.ts"],
    ["the registry of senders", "domain/channels/senders.ts", "a sender", "Import domain/channels/schemas.ts"],
    ["one sender", "domain/channels/types/echo/sender.ts", "a sender", "Import domain/channels/schemas.ts"],
  ])("fails when a route contains %s, and names the imports that lead there", async (_, path, what, instead) => {
    await write(path, "export const act = () => {};");
    await write("domain/monitors/store.ts", `export { act } from "../../${path}";`);
    const use = `import { act } from "../../domain/monitors/store.ts"; export const acts = act;`;
    await write("functions/api/get-thing.ts", `${use} ${route}`);
    await expect(build({ root: folder })).rejects.toThrow(
      `functions/api/get-thing.ts contains ${what}: functions/api/get-thing.ts imports domain/monitors/store.ts imports ${path}. ${instead} instead`,
    );
  });

  test("lets a route contain a sender if it declares a port, and never a probe", async () => {
    const using = (path: string) =>
      `export { act } from "../../${path}"; export const ports = { http: "shared" }; ${route}`;
    await write("domain/channels/senders.ts", "export const act = () => {};");
    await write("domain/kinds/probes.ts", "export const act = () => {};");
    await write("functions/api/get-thing.ts", using("domain/channels/senders.ts"));
    await expect(build({ root: folder })).resolves.toHaveProperty("functions");
    await write("functions/api/get-thing.ts", using("domain/kinds/probes.ts"));
    await expect(build({ root: folder })).rejects.toThrow("functions/api/get-thing.ts contains a probe");
  });

  test("lets a worker contain probes", async () => {
    await write("domain/kinds/probes.ts", "export const probes = {};");
    const worker = `export const source = {}; export default { consume() {}, deadLetter() {} };`;
    await write("functions/workers/work.ts", `export { probes } from "../../domain/kinds/probes.ts"; ${worker}`);
    await expect(build({ root: folder })).resolves.toHaveProperty("functions");
  });

  test("gives virtual:openapi what openApiDocument makes of the routes", async () => {
    await write("functions/api/get-thing.ts", importing.replace("/v1/openapi", "/v1/thing"));
    await build({ root: folder });
    const { text } = await import(pathToFileURL(join(folder, "dist/functions/api/get-thing.mjs")).href);
    expect(unpack(text)).toMatchObject({
      paths: [{ name: "get-thing", route: { method: "GET", path: "/v1/thing" } }],
    });
  });

  test.each([
    ["[]", "names no worker"],
    ['["work", "wrok"]', "names wrok, and there is no such worker"],
  ])("fails when a schedule runs with %s, for it would not run", async (runsWith, message) => {
    await write(
      "functions/schedules/tick.ts",
      `export const schedule = { everySeconds: 5, runsWith: ${runsWith} };
      export default { scheduled: async () => {} };`,
    );
    await expect(build({ root: folder })).rejects.toThrow(
      `functions/schedules/tick.ts: "runsWith" ${message}. Name one or more of work, or it does not run.`,
    );
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

/** A route that serves the document of all routes. */
const importing = `import packed from "virtual:openapi"; export const text = packed;
  ${route.replace("/v1/thing", "/v1/openapi")}`;

const describing = `export function openApiDocument(routes: { route: { broken?: boolean } }[]) {
    if (routes.some(({ route }) => route.broken)) throw new Error("broken");
    return { paths: routes };
  }`;

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

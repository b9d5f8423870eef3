import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const LOCAL = /Nothing imports local or hosts/;
const DRIVERS = /Driver packages are named only in/;
const ONE_WAY = /Imports run one way/;
const BUNDLES = /load the built bundles/;
const SERVICES = /stand in for services/;

/** Each a file, what it imports, and the rule that must bite; null where none may. */
const cases: readonly (readonly [string, string, RegExp | null])[] = [
  ["functions/api/a.ts", "../../local/server.ts", LOCAL],
  ["functions/workers/b.ts", "../../hosts/lambda.ts", LOCAL],
  ["functions/schedules/c.ts", "pg", DRIVERS],
  ["functions/api/d.ts", "../../domain/monitors/store.ts", null],
  ["domain/monitors/a.ts", "../../local/server.ts", LOCAL],
  ["domain/monitors/b.ts", "../../functions/api/get-monitor.ts", ONE_WAY],
  ["domain/monitors/c.ts", "@electric-sql/pglite", DRIVERS],
  ["domain/monitors/d.ts", "../../runtime/errors.ts", null],
  ["runtime/a.ts", "../local/server.ts", LOCAL],
  ["runtime/b.ts", "../functions/api/get-monitor.ts", ONE_WAY],
  ["runtime/c.ts", "../domain/monitors/store.ts", ONE_WAY],
  ["runtime/d.ts", "undici", DRIVERS],
  ["runtime/drivers/sql/a.ts", "../../domain/monitors/store.ts", ONE_WAY],
  ["runtime/drivers/sql/b.ts", "../../hosts/lambda.ts", LOCAL],
  ["runtime/drivers/sql/c.ts", "pg", null],
  ["runtime/drivers/stream/c.ts", "ioredis", null],
  ["runtime/drivers/http/c.ts", "undici", null],
  ["local/a.ts", "../domain/monitors/store.ts", BUNDLES],
  ["local/b.ts", "../functions/api/get-monitor.ts", BUNDLES],
  ["local/c.ts", "ioredis/built/Redis.js", DRIVERS],
  ["local/d.ts", "../runtime/drivers/sql/postgres.ts", null],
  ["local/emulators/a.ts", "ioredis", null],
  ["local/emulators/b.ts", "../../domain/monitors/store.ts", SERVICES],
  ["hosts/a.ts", "@upstash/redis", DRIVERS],
  ["hosts/b.ts", "../domain/monitors/store.ts", BUNDLES],
  ["hosts/c.ts", "../local/server.ts", LOCAL],
  ["hosts/d.ts", "pg", DRIVERS],
  ["hosts/e.ts", "../runtime/worker/consumer.ts", null],
];

interface Diagnostic {
  readonly category: string;
  readonly message: string;
  readonly location: { readonly path: string };
}

describe("the lint rules on imports", () => {
  const folder = mkdtempSync(join(tmpdir(), "stillup-imports-"));
  let diagnostics: readonly Diagnostic[];

  beforeAll(() => {
    cpSync(join(root, "biome.json"), join(folder, "biome.json"));
    for (const [file, imported] of cases) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), `import { a } from "${imported}";\n\nexport const b = a;\n`);
    }
    writeFileSync(join(folder, "runtime/e.ts"), 'export const b = process.env["PORT"];\n');
    writeFileSync(join(folder, "local/main.ts"), 'export const b = process.env["PORT"];\n');
    diagnostics = lint(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(cases)("in %s, importing %s: %s", (file, _imported, rule) => {
    const found = diagnostics.filter(({ location }) => location.path === file).map(({ message }) => message);
    expect(found).toEqual(rule === null ? [] : [expect.stringMatching(rule)]);
  });

  test("let nobody but local/main.ts read process.env", () => {
    const readers = diagnostics.filter(({ category }) => category === "lint/style/noProcessEnv");
    expect(readers.map(({ location }) => location.path)).toEqual(["runtime/e.ts"]);
  });
});

function lint(folder: string): readonly Diagnostic[] {
  const biome = join(root, "node_modules/.bin/biome");
  const options = ["lint", "--vcs-enabled=false", "--max-diagnostics=none", "--reporter=json", "."];
  try {
    execFileSync(biome, options, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    throw new Error("nothing was found at all");
  } catch (error) {
    return JSON.parse((error as { stdout: string }).stdout).diagnostics;
  }
}

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const ONE_WAY = /^Imports run one way/;
const DRIVERS = /^Only runtime\/drivers and local\/emulators import this driver package/;

/** A file, what it imports, and the rule that refuses the import; null where the import is allowed. */
const cases: readonly (readonly [string, string, RegExp | null])[] = [
  ["functions/api/a.ts", "../../local/server.ts", ONE_WAY],
  ["functions/workers/b.ts", "../../hosts/lambda/handler.ts", ONE_WAY],
  ["functions/schedules/c.ts", "pg", DRIVERS],
  ["functions/api/d.ts", "../../domain/monitors/store.ts", null],
  ["functions/api/e.ts", "../../build/functions.mjs", ONE_WAY],
  ["functions/api/f.ts", "../../testing/test-env.ts", ONE_WAY],
  ["functions/api/g.ts", "../../tests/contracts/http.ts", ONE_WAY],
  ["functions/api/h.ts", "../../web/page.ts", null],
  ["domain/monitors/a.ts", "../../local/server.ts", ONE_WAY],
  ["domain/monitors/b.ts", "../../functions/api/get-monitor.ts", ONE_WAY],
  ["domain/monitors/c.ts", "@electric-sql/pglite", DRIVERS],
  ["domain/monitors/d.ts", "../../runtime/errors.ts", null],
  ["domain/monitors/e.ts", "../../testing/test-env.ts", ONE_WAY],
  ["domain/monitors/f.ts", "../../hosts/lambda/handler.ts", ONE_WAY],
  ["runtime/a.ts", "../local/server.ts", ONE_WAY],
  ["runtime/b.ts", "../functions/api/get-monitor.ts", ONE_WAY],
  ["runtime/c.ts", "../domain/monitors/store.ts", ONE_WAY],
  ["runtime/d.ts", "undici", DRIVERS],
  ["runtime/e.ts", "../build/manifest.ts", ONE_WAY],
  ["runtime/drivers/sql/a.ts", "../../../domain/monitors/store.ts", ONE_WAY],
  ["runtime/drivers/sql/b.ts", "../../../hosts/lambda/handler.ts", ONE_WAY],
  ["runtime/drivers/sql/c.ts", "pg", null],
  ["runtime/drivers/stream/c.ts", "ioredis", null],
  ["runtime/drivers/http/c.ts", "undici", null],
  ["local/a.ts", "../domain/monitors/store.ts", ONE_WAY],
  ["local/b.ts", "../functions/api/get-monitor.ts", ONE_WAY],
  ["local/c.ts", "ioredis/built/Redis.js", DRIVERS],
  ["local/d.ts", "../runtime/drivers/sql/postgres.ts", null],
  ["local/e.ts", "./server.ts", null],
  ["local/f.mjs", "../build/functions.mjs", ONE_WAY],
  ["local/g.ts", "../hosts/lambda/handler.ts", ONE_WAY],
  ["local/doctor/a.ts", "../server.ts", null],
  ["local/emulators/a.ts", "ioredis", null],
  ["local/emulators/b.ts", "../../domain/monitors/store.ts", ONE_WAY],
  ["local/emulators/c.ts", "../../testing/services.ts", ONE_WAY],
  ["hosts/a.ts", "@upstash/redis", DRIVERS],
  ["hosts/b.ts", "../domain/monitors/store.ts", ONE_WAY],
  ["hosts/c.ts", "../local/server.ts", ONE_WAY],
  ["hosts/d.ts", "pg", DRIVERS],
  ["hosts/e.ts", "../runtime/worker/consumer.ts", null],
  ["hosts/lambda/a.ts", "../shared/call.ts", null],
  ["web/a.ts", "../functions/api/get-monitor.ts", ONE_WAY],
  ["web/b.ts", "../local/server.ts", ONE_WAY],
  ["web/c.ts", "../domain/monitors/schema.ts", null],
  ["web/d.ts", "pg", DRIVERS],
  ["build/a.ts", "../functions/api/get-monitor.ts", ONE_WAY],
  ["build/b.mjs", "../domain/monitors/schema.ts", ONE_WAY],
  ["build/c.ts", "../tests/contracts/http.ts", ONE_WAY],
  ["build/d.ts", "../runtime/manifest.ts", null],
  ["build/e.ts", "./functions.ts", null],
  ["build/f.ts", "@neondatabase/serverless", DRIVERS],
  ["testing/a.ts", "../local/emulators/neon.ts", null],
  ["testing/b.ts", "../functions/workers/monitoring.ts", null],
  ["testing/c.ts", "pg", null],
  ["tests/unit/a.ts", "../../build/functions.mjs", null],
  ["tests/unit/b.ts", "../../testing/test-env.ts", null],
];

/** Other ways to import, which the rule on driver packages refuses too. */
const forms = {
  "domain/form-export.ts": 'export * from "pg";\n',
  "domain/form-dynamic.ts": 'export const a = import("pg");\n',
  "domain/form-type.ts": 'export type A = import("pg").Client;\n',
  "domain/form-effect.ts": 'import "pg";\n',
};

interface Diagnostic {
  readonly category: string;
  readonly message: string;
  readonly location: { readonly path: string };
}

describe("the lint rules on imports", () => {
  const folder = mkdtempSync(join(tmpdir(), "stillup-imports-"));
  let diagnostics: readonly Diagnostic[];

  beforeAll(() => {
    for (const file of ["biome.json", "biome-drivers.grit"]) cpSync(join(root, file), join(folder, file));
    const write = (file: string, text: string) => {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    };
    for (const [file, imported] of cases) {
      write(file, `import { a } from "${imported}";\n\nexport const b = a;\n`);
    }
    for (const [file, text] of Object.entries(forms)) write(file, text);
    for (const file of ["runtime/env.ts", "local/main.ts"]) write(file, 'export const b = process.env["PORT"];\n');
    write("runtime/cycle-a.ts", 'import type { B } from "./cycle-b.ts";\n\nexport type A = B | null;\n');
    write("runtime/cycle-b.ts", 'import type { A } from "./cycle-a.ts";\n\nexport type B = A | null;\n');
    diagnostics = lint(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(cases)("in %s, importing %s: %s", (file, _imported, rule) => {
    const found = diagnostics.filter(({ location }) => location.path === file).map(({ message }) => message);
    expect(found).toEqual(rule === null ? [] : [expect.stringMatching(rule)]);
  });

  test.each(Object.keys(forms))("refuse the driver package in %s", (file) => {
    const found = diagnostics.filter(({ location }) => location.path === file).map(({ message }) => message);
    expect(found).toEqual([expect.stringMatching(DRIVERS)]);
  });

  test("refuse an import cycle, even one of types alone", () => {
    const found = diagnostics.filter(({ category }) => category === "lint/suspicious/noImportCycles");
    expect(found.map(({ location }) => location.path).sort()).toEqual(["runtime/cycle-a.ts", "runtime/cycle-b.ts"]);
  });

  test("let only local/main.ts read process.env", () => {
    const readers = diagnostics.filter(({ category }) => category === "lint/style/noProcessEnv");
    expect(readers.map(({ location }) => location.path)).toEqual(["runtime/env.ts"]);
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

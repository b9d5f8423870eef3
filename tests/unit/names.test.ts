import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const folders = ["functions", "domain", "runtime", "local", "hosts", "web", "build"];

/** A declaration, not an import: after its name come its parameters, its parents, or its body. */
const DECLARATION =
  /^[ \t]*(?:export )?(?:declare )?(?:abstract )?(?:interface|type|class|enum) (\w+)(?=<|\s*=|\s*\{| extends | implements )/gm;

test("every type has a name of its own", () => {
  const files = folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { encoding: "utf8", recursive: true }).map((file) => join(folder, file)),
    )
    .filter((file) => /\.m?tsx?$/.test(file))
    .sort();
  expect(files).toEqual(
    expect.arrayContaining(["domain/monitors/schema.ts", "runtime/contract.ts", "local/server.ts"]),
  );
  const sources = files.map((file) => [file, readFileSync(join(root, file), "utf8")] as const);
  expect(repeatedNames(sources)).toEqual([]);
});

test("a name that two files declare is found, whatever declares it", () => {
  const sources = [
    [
      "a.ts",
      "export interface One {\n}\ntype Two = string;\nexport type Three<T> = T;\nexport abstract class Four {\n}",
    ],
    [
      "b.ts",
      "type One =\n  | string;\nexport class Two extends Error {}\ninterface Three<T> {}\nclass Four implements X {}",
    ],
    ["c.ts", 'import {\n  type One,\n  type Two as Other,\n} from "./a.ts";\nexport type { Three } from "./a.ts";'],
  ] as const;
  expect(repeatedNames(sources)).toEqual([
    "Four is declared in a.ts, b.ts",
    "One is declared in a.ts, b.ts",
    "Three is declared in a.ts, b.ts",
    "Two is declared in a.ts, b.ts",
  ]);
});

function repeatedNames(sources: readonly (readonly [file: string, text: string])[]): string[] {
  const places = new Map<string, string[]>();
  for (const [file, text] of sources) {
    for (const [, name = ""] of text.matchAll(DECLARATION)) places.set(name, [...(places.get(name) ?? []), file]);
  }
  return [...places]
    .filter(([, files]) => files.length > 1)
    .map(([name, files]) => `${name} is declared in ${files.join(", ")}`)
    .sort();
}

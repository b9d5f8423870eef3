import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { bugs } from "./bugs.ts";
import type { Hunted } from "./hunt.ts";

const root = join(import.meta.dirname, "../..");

describe("a seeded bug is noticed", () => {
  let hunted: readonly Hunted[];

  // All in one command, which looks for several side by side.
  beforeAll(async () => {
    const command = ["tests/simulation/simulate.mjs", "--bugs", "--json"];
    const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: root }).catch((error) => error);
    hunted = JSON.parse(stdout) as Hunted[];
  }, 900_000);

  it.for(bugs)("$name", ({ name }, { skip }) => {
    const found = hunted.find((each) => each.bug === name);
    if (found?.outcome === "skipped") skip(found.by);
    expect(found).toMatchObject({ outcome: "caught" });
  });
});

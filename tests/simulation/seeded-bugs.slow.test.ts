import { beforeAll, describe, expect, it } from "vitest";
import { bugs } from "./bugs.ts";
import type { Hunted } from "./hunt.ts";
import { simulate } from "./run-simulate.ts";

describe("a seeded bug is noticed", () => {
  let hunted: readonly Hunted[];

  // All in one command, which looks for several side by side.
  beforeAll(async () => {
    const { stdout } = await simulate("--bugs", "--json");
    hunted = JSON.parse(stdout) as Hunted[];
  }, 900_000);

  it.for(bugs)("$name", ({ name }, { skip }) => {
    const found = hunted.find((each) => each.bug === name);
    if (found?.outcome === "skipped") skip(found.by);
    expect(found).toMatchObject({ outcome: "caught" });
  });
});

import { expect, test } from "vitest";
import { parseOptions } from "./options.ts";

test("Both modes run when none is named", () => {
  expect(parseOptions([])).toEqual({ minutes: 18, seed: 1, modes: ["local", "external"], only: "", json: false });
  expect(parseOptions(["--mode", "local", "--minutes", "0.5", "--seed", "9", "--json"])).toMatchObject({
    modes: ["local"],
    minutes: 0.5,
    seed: 9,
    json: true,
  });
});

test.each([
  ["--minutes", "none", /--minutes must be/],
  ["--minutes", "0", /--minutes must be/],
  ["--seed", "-1", /--seed/],
  ["--seed", "1.5", /--seed must be/],
  ["--mode", "both", /--mode must be local or external/],
])("%s %s is refused with what to change", (name, value, message) => {
  expect(() => parseOptions([name, value])).toThrow(message);
});

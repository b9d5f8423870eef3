import { expect, test } from "vitest";
import { isTransient, StillupError } from "../../../runtime/errors.ts";

test("A coded error is known by another bundle's copy of its class", async () => {
  const path = "../../../runtime/errors.ts?copy";
  const copy = (await import(path)) as typeof import("../../../runtime/errors.ts");
  expect(copy.StillupError).not.toBe(StillupError);
  const error = new copy.StillupError("database_unavailable", "It is away.");
  expect(error instanceof StillupError).toBe(true);
  expect(isTransient(error)).toBe(true);
  expect(new TypeError("It is a bug.") instanceof StillupError).toBe(false);
});

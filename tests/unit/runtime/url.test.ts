import { expect, it } from "vitest";
import { parseUrl } from "../../../runtime/url.ts";

it("A URL is one however often it is asked, with a letter beyond ASCII too", () => {
  for (let times = 0; times < 50_000; times++) {
    if (parseUrl("http://ü.test/")?.host !== "xn--tda.test") throw new Error(`It was none at time ${times}.`);
  }
  expect(parseUrl("//ü.test/a", new URL("http://b.test/"))?.href).toBe("http://xn--tda.test/a");
});

it("What is no URL is null", () => {
  expect([parseUrl("nonsense"), parseUrl("http://[1"), parseUrl("http://", new URL("http://b.test/"))]).toEqual([
    null,
    null,
    null,
  ]);
});

import { expect, it } from "vitest";
import { type ColdFigures, coldStart, missedColdBars, withColdSection } from "../../../bench/cold-report.ts";

const machine = {
  date: "2026-11-22",
  processor: "1 x processor",
  memoryGb: 8,
  system: "Linux",
  load: 0,
  node: "20.19.0",
  postgres: "15",
  redis: "7.0",
};

function figures(healthzMs: number, queryMs: number): ColdFigures {
  const start = (isQuery: boolean, ms: number) =>
    coldStart({ host: "lambda", route: isQuery ? "list-monitors" : "get-healthz", isQuery }, [
      { emptyMs: 100, routeMs: 100 + ms },
    ]);
  return { machine, runs: 15, starts: [start(false, healthzMs), start(true, queryMs)] };
}

it("a start adds the median of the differences between pairs, whatever drifts meanwhile", () => {
  const pairs = [
    { emptyMs: 100, routeMs: 110 },
    { emptyMs: 900, routeMs: 920 },
    { emptyMs: 50, routeMs: 450 },
  ];
  expect(coldStart({ host: "fetch", route: "get-healthz", isQuery: false }, pairs)).toMatchObject({
    emptyMs: 100,
    addedMs: 20,
    minMs: 10,
    maxMs: 400,
  });
});

it("a route with a query may add more than one without, and neither as much as its bar", () => {
  expect(missedColdBars(figures(59.9, 109.9))).toEqual([]);
  expect(missedColdBars(figures(60, 110))).toEqual([
    "get-healthz on lambda adds 60.0 ms; it should be under 60.",
    "list-monitors on lambda adds 110.0 ms; it should be under 110.",
  ]);
});

it("what could not be measured is missed", () => {
  expect(missedColdBars(figures(Number.NaN, 1))).toHaveLength(1);
});

it("the figures take their place in the page, and leave the rest of it alone", () => {
  const page = "# Deploying\n\n<!-- cold -->\nold\n<!-- /cold -->\n\nmore\n";
  const written = withColdSection(page, figures(10, 20));
  expect(written).toContain("| lambda | list-monitors | 100 | 20.0 | 20 to 20 | 110 | met |");
  expect(written).toMatch(/^# Deploying\n\n<!-- cold -->\n(?!old)[\s\S]*<!-- \/cold -->\n\nmore\n$/);
  expect(withColdSection(written, figures(10, 20))).toBe(written);
});

it("a page without the place is refused", () => {
  expect(() => withColdSection("# Deploying\n", figures(10, 20))).toThrow(/<!-- cold -->/);
});

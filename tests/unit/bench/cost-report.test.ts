import { expect, test } from "vitest";
import { type CostFigures, costMarkdown, missedAims } from "../../../bench/cost-report.ts";
import { monthOf } from "../../../bench/prices.ts";
import type { SimulatedDay } from "../../../bench/simulated-day.ts";

function day(monitors: number, over: Partial<SimulatedDay> = {}): SimulatedDay {
  const checks = monitors * 1440;
  const commands = monitors === 0 ? 5000 : checks * 0.1;
  const figures = { commands, awakeHours: monitors === 0 ? 2 : 24, storedGb: 0 };
  const { anAlert, healthChecks } = { anAlert: null, healthChecks: 11_520 };
  const sqlTrips = checks * 0.05;
  const rest = { simulatedHours: 24, checks, commandsByName: { xadd: commands }, sqlTrips, anAlert, healthChecks };
  return { ...figures, monitors, month: monthOf(figures), ...rest, ...over };
}

const summary = (p50: number) => ({ count: 10, p50, p99: p50, max: p50 });
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
const met: CostFigures = {
  machine,
  days: [day(0), day(1000)],
  roundTripMs: 20,
  latency: { warm: summary(250), afterIdle: summary(500) },
};

test("aims that are just met are not missed", () => {
  expect(missedAims(met)).toEqual([]);
});

test("every target that is missed is reported", () => {
  const awake = monthOf({ commands: 5001, awakeHours: 24, storedGb: 0 });
  const missed = missedAims({
    ...met,
    days: [day(0, { commands: 5001, month: awake }), day(1000, { commands: 150_000, sqlTrips: 73_000 })],
    latency: { warm: summary(251), afterIdle: summary(501) },
  });
  expect(missed.map((sentence) => sentence.split(":")[0])).toEqual([
    "no monitor",
    "no monitor",
    "1000 monitors",
    "1000 monitors",
    "alert over connections in use, p50 ms",
    "alert after an idle hour, p50 ms",
  ]);
});

test("what was not measured is missed", () => {
  expect(missedAims({ ...met, days: [] })).toHaveLength(4);
});

test("less than a day is scaled to one", () => {
  const hour = day(1000, { simulatedHours: 1, checks: 60_000 });
  expect(costMarkdown({ ...met, days: [day(0), hour] })).toContain("| 1000 | 1,440,000 |");
});

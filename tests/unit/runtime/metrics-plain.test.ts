import { expect, test } from "vitest";
import { alertLatencySeconds, checksTotal, monitorsGauge } from "../../../domain/metrics.ts";
import { createPlainMetrics } from "../../../runtime/metrics-plain.ts";
import { createMetrics } from "../../../runtime/metrics-registry.ts";

test("Without the library the same counters and gauges come out as with it, and observations as sum and count", async () => {
  const lines = await Promise.all(
    [createPlainMetrics, createMetrics].map(async (create) => {
      const metrics = create({ service: "api" });
      metrics.count(checksTotal, { outcome: "ok" });
      metrics.count(checksTotal, { outcome: "ok" }, 2);
      metrics.set(monitorsGauge, 7, { status: "up" });
      metrics.observe(alertLatencySeconds, 0.5);
      metrics.observe(alertLatencySeconds, 0.25);
      const all = (await metrics.render()).split("\n");
      return all.filter((line) => /^stillup_(checks|monitors|alert_latency_seconds_(sum|count))/.test(line)).sort();
    }),
  );
  expect(lines[0]).toEqual([
    'stillup_alert_latency_seconds_count{service="api"} 2',
    'stillup_alert_latency_seconds_sum{service="api"} 0.75',
    'stillup_checks_total{outcome="ok",service="api"} 3',
    'stillup_monitors{status="up",service="api"} 7',
  ]);
  expect(lines[1]).toEqual(lines[0]);
});

import { describe, expect, test } from "vitest";
import * as domainMetrics from "../../../domain/metrics.ts";
import { alertLatencySeconds, checksTotal, offlineGauge } from "../../../domain/metrics.ts";
import { type Metric, runtimeMetrics, streamPending } from "../../../runtime/metrics.ts";
import { createMetrics } from "../../../runtime/metrics-registry.ts";

describe("Metrics", () => {
  test("are all there from the beginning, with what they say", async () => {
    const metrics: Metric[] = Object.values(domainMetrics);
    const text = await createMetrics({ service: "api", metrics }).render();
    expect(metrics.length).toBeGreaterThan(5);
    for (const { name, kind, help } of [...metrics, ...runtimeMetrics]) {
      expect(text).toContain(`# HELP ${name} ${help}`);
      expect(text).toContain(`# TYPE ${name} ${kind}`);
    }
  });

  test("leave out a gauge that was never set", async () => {
    const metrics = createMetrics({ service: "worker-notification" });
    expect(await metrics.render()).not.toMatch(/^stillup_offline\{/m);
    metrics.set(offlineGauge, 0);
    expect(await metrics.render()).toMatch(/^stillup_offline\{service="worker-notification"\} 0$/m);
  });

  test("count, observe and set under their labels and their service", async () => {
    const metrics = createMetrics({ service: "api" });
    metrics.count(checksTotal, { outcome: "ok" });
    metrics.count(checksTotal, { outcome: "ok" }, 2);
    metrics.set(streamPending, 5, { stream: "checks.due" });
    metrics.observe(alertLatencySeconds, 0.0035);
    const text = await metrics.render();
    expect(text).toContain('stillup_checks_total{outcome="ok",service="api"} 3');
    expect(text).toContain('stillup_stream_pending{stream="checks.due",service="api"} 5');
    expect(text).toContain('stillup_alert_latency_seconds_bucket{le="0.003",service="api"} 0');
    expect(text).toContain('stillup_alert_latency_seconds_bucket{le="0.004",service="api"} 1');
    expect(text).toContain('stillup_alert_latency_seconds_sum{service="api"} 0.0035');
  });

  test("every histogram has bounds of its own, from a millisecond up", async () => {
    const histograms = Object.values(domainMetrics).filter((metric) => metric.kind === "histogram");
    expect(histograms.length).toBeGreaterThan(0);
    const metrics = createMetrics({ service: "api", metrics: histograms });
    const text = await metrics.render();
    for (const histogram of histograms) metrics.observe(histogram, 0.001);
    for (const { name } of histograms)
      expect(await metrics.render()).toContain(`${name}_bucket{le="0.001",service="api"} 1`);
    expect(text).not.toContain("NaN");
  });

  test("never throw, whatever they are given", async () => {
    const metrics = createMetrics({ service: "api" });
    metrics.count(checksTotal, { nonsense: "x" });
    metrics.count(checksTotal, { outcome: "ok" }, -1);
    metrics.observe(alertLatencySeconds, Number.NaN);
    metrics.set({ ...checksTotal, kind: "gauge" }, 1);
    expect(await metrics.render()).toContain("stillup_checks_total");
  });

  test("of two processes do not meet", async () => {
    const [one, other] = [createMetrics({ service: "a" }), createMetrics({ service: "b" })];
    one.count(checksTotal, { outcome: "ok" });
    expect(await other.render()).not.toContain('outcome="ok"');
  });
});

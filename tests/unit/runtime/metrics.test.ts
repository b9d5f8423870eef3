import { describe, expect, test } from "vitest";
import { metricDefinitions } from "../../../runtime/metrics.ts";
import { createMetrics } from "../../../runtime/metrics-registry.ts";

describe("Metrics", () => {
  test("are all there from the beginning, with what they say", async () => {
    const text = await createMetrics({ service: "api" }).render();
    for (const [name, { kind, help }] of Object.entries(metricDefinitions)) {
      expect(text).toContain(`# HELP ${name} ${help}`);
      expect(text).toContain(`# TYPE ${name} ${kind}`);
    }
  });

  test("say nothing of a gauge that nobody has set", async () => {
    const metrics = createMetrics({ service: "worker-notification" });
    expect(await metrics.render()).not.toMatch(/^stillup_offline\{/m);
    metrics.set("stillup_offline", 0);
    expect(await metrics.render()).toMatch(/^stillup_offline\{service="worker-notification"\} 0$/m);
  });

  test("count, observe and set under their labels and their service", async () => {
    const metrics = createMetrics({ service: "api" });
    metrics.count("stillup_checks_total", { outcome: "ok" });
    metrics.count("stillup_checks_total", { outcome: "ok" }, 2);
    metrics.set("stillup_stream_pending", 5, { stream: "checks.due" });
    metrics.observe("stillup_alert_latency_seconds", 0.0035);
    const text = await metrics.render();
    expect(text).toContain('stillup_checks_total{outcome="ok",service="api"} 3');
    expect(text).toContain('stillup_stream_pending{stream="checks.due",service="api"} 5');
    expect(text).toContain('stillup_alert_latency_seconds_bucket{le="0.003",service="api"} 0');
    expect(text).toContain('stillup_alert_latency_seconds_bucket{le="0.004",service="api"} 1');
    expect(text).toContain('stillup_alert_latency_seconds_sum{service="api"} 0.0035');
  });

  test("every histogram has bounds of its own, from a millisecond up", async () => {
    const text = await createMetrics({ service: "api" }).render();
    const metrics = createMetrics({ service: "api" });
    const histograms = Object.entries(metricDefinitions).filter(([, { kind }]) => kind === "histogram");
    expect(histograms.length).toBeGreaterThan(0);
    for (const [name] of histograms) metrics.observe(name as keyof typeof metricDefinitions, 0.001);
    for (const [name] of histograms)
      expect(await metrics.render()).toContain(`${name}_bucket{le="0.001",service="api"} 1`);
    expect(text).not.toContain("NaN");
  });

  test("never throw, whatever they are given", async () => {
    const metrics = createMetrics({ service: "api" });
    metrics.count("stillup_checks_total", { nonsense: "x" });
    metrics.count("stillup_checks_total", { outcome: "ok" }, -1);
    metrics.observe("stillup_alert_latency_seconds", Number.NaN);
    metrics.set("stillup_checks_total", 1);
    expect(await metrics.render()).toContain("stillup_checks_total");
  });

  test("of two processes do not meet", async () => {
    const [one, other] = [createMetrics({ service: "a" }), createMetrics({ service: "b" })];
    one.count("stillup_checks_total", { outcome: "ok" });
    expect(await other.render()).not.toContain('outcome="ok"');
  });
});

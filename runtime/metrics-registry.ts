import { Counter, Gauge, type GaugeConfiguration, Histogram, Registry } from "prom-client";
import { type MetricName, type Metrics, metricDefinitions } from "./metrics.ts";

/** Upper bounds in seconds. Alerts take milliseconds when all is well, and hours when a receiver is away. */
const buckets: Partial<Record<MetricName, readonly number[]>> = {
  stillup_check_duration_seconds: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  stillup_schedule_lag_seconds: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  stillup_alert_latency_seconds: [
    0.001, 0.002, 0.003, 0.004, 0.006, 0.008, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
    1800, 7200,
  ],
};

/** The metrics of one process. `service` stands as a label on all of them. */
export function createMetrics({ service }: { readonly service: string }): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  const counters = new Map<MetricName, Counter>();
  const gauges = new Map<MetricName, Gauge>();
  const histograms = new Map<MetricName, Histogram>();
  for (const [key, { kind, help, labels }] of Object.entries(metricDefinitions)) {
    const name = key as MetricName;
    const options = { name, help, labelNames: [...labels], registers: [registry] };
    if (kind === "counter") counters.set(name, new Counter(options));
    else if (kind === "gauge") gauges.set(name, gaugeOf(options));
    else histograms.set(name, new Histogram({ ...options, buckets: [...(buckets[name] ?? [])] }));
  }
  return {
    count: (name, labels = {}, by = 1) => quietly(() => counters.get(name)?.inc(labels, by)),
    observe: (name, value, labels = {}) => quietly(() => histograms.get(name)?.observe(labels, value)),
    set: (name, value, labels = {}) => quietly(() => gauges.get(name)?.set(labels, value)),
    render: () => registry.metrics(),
  };
}

/** One without labels would tell 0 from the beginning, and most processes know nothing of most gauges. */
function gaugeOf(options: GaugeConfiguration<string>): Gauge {
  const gauge = new Gauge(options);
  if (options.labelNames?.length === 0) gauge.remove();
  return gauge;
}

/** A label that does not exist or a value that is no number must not fail the work that is measured. */
function quietly(measure: () => void): void {
  try {
    measure();
  } catch {}
}

import { Counter, Gauge, Histogram, type MetricConfiguration, Registry } from "prom-client";
import { type Metric, type Metrics, type MetricsOptions, runtimeMetrics } from "./metrics.ts";

/** The metrics of one process, by `prom-client`. */
export function createMetrics({ service, metrics = [] }: MetricsOptions): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  const counters = registered(registry, (options) => new Counter(options));
  const gauges = registered(registry, makeGauge);
  const histograms = registered(registry, (options, buckets) => new Histogram({ ...options, buckets }));
  const byKind = { counter: counters, gauge: gauges, histogram: histograms };
  for (const metric of [...runtimeMetrics, ...metrics]) byKind[metric.kind](metric);
  return {
    count: (metric, labels = {}, by = 1) => quietly(() => counters(metric).inc(labels, by)),
    observe: (metric, value, labels = {}) => quietly(() => histograms(metric).observe(labels, value)),
    set: (metric, value, labels = {}) => quietly(() => gauges(metric).set(labels, value)),
    render: () => registry.metrics(),
  };
}

/** The library's metric of a definition, made when it is first asked for. */
function registered<T>(
  registry: Registry,
  make: (options: MetricConfiguration<string>, buckets: number[]) => T,
): (metric: Metric) => T {
  const made = new Map<string, T>();
  return ({ name, help, labels = [], buckets = [] }) => {
    const known = made.get(name);
    if (known !== undefined) return known;
    const metric = make({ name, help, labelNames: [...labels], registers: [registry] }, [...buckets]);
    made.set(name, metric);
    return metric;
  };
}

/** A gauge without labels would say 0 from the beginning, and most processes know nothing of most gauges. */
function makeGauge(options: MetricConfiguration<string>): Gauge {
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

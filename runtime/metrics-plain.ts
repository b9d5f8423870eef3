import { type Labels, type Metric, type Metrics, type MetricsOptions, runtimeMetrics } from "./metrics.ts";

/**
 * The metrics of one instance on a function host, without the library: prom-client is 69 KB of the 320 that an artefact
 * may have, and wants ten of Node's modules. An observation is kept as a sum and a count, without buckets.
 */
export function createPlainMetrics({ service, metrics = [] }: MetricsOptions): Metrics {
  const known = new Map([...runtimeMetrics, ...metrics].map((metric) => [metric.name, metric]));
  const series = new Map<string, number>();
  const keyOf = (metric: Metric, labels: Labels, suffix = "") => {
    known.set(metric.name, metric);
    const pairs = Object.entries({ ...labels, service }).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
    return `${metric.name}${suffix}{${pairs.join(",")}}`;
  };
  const add = (key: string, by: number) => void series.set(key, (series.get(key) ?? 0) + by);
  return {
    count: (metric, labels = {}, by = 1) => add(keyOf(metric, labels), by),
    set: (metric, value, labels = {}) => void series.set(keyOf(metric, labels), value),
    observe(metric, value, labels = {}) {
      add(keyOf(metric, labels, "_sum"), value);
      add(keyOf(metric, labels, "_count"), 1);
    },
    async render() {
      const lines = [...known.values()].flatMap(({ name, kind, help }) => [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} ${kind === "histogram" ? "summary" : kind}`,
        ...[...series].filter(([key]) => isOf(key, name)).map(([key, value]) => `${key} ${value}`),
      ]);
      return `${lines.join("\n")}\n`;
    },
  };
}

function isOf(key: string, name: string): boolean {
  return [name, `${name}_sum`, `${name}_count`].some((each) => key.startsWith(`${each}{`));
}

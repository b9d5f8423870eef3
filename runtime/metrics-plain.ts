import { type Labels, type MetricName, type Metrics, metricDefinitions } from "./metrics.ts";

/**
 * The metrics of one instance on a function host, without the library: prom-client is 69 KB of the 320 that an artefact
 * may have, and wants ten of Node's modules. An observation is kept as a sum and a count, without buckets.
 */
export function createPlainMetrics({ service }: { readonly service: string }): Metrics {
  const series = new Map<string, number>();
  const put = (name: string, labels: Labels, change: (value: number) => number) => {
    const pairs = Object.entries({ ...labels, service }).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
    const key = `${name}{${pairs.join(",")}}`;
    series.set(key, change(series.get(key) ?? 0));
  };
  return {
    count: (name, labels = {}, by = 1) => put(name, labels, (value) => value + by),
    set: (name, value, labels = {}) => put(name, labels, () => value),
    observe(name, value, labels = {}) {
      put(`${name}_sum`, labels, (sum) => sum + value);
      put(`${name}_count`, labels, (count) => count + 1);
    },
    async render() {
      const lines = Object.entries(metricDefinitions).flatMap(([name, { kind, help }]) => [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} ${kind === "histogram" ? "summary" : kind}`,
        ...[...series].filter(([key]) => isOf(key, name as MetricName)).map(([key, value]) => `${key} ${value}`),
      ]);
      return `${lines.join("\n")}\n`;
    },
  };
}

function isOf(key: string, name: MetricName): boolean {
  return [name, `${name}_sum`, `${name}_count`].some((each) => key.startsWith(`${each}{`));
}

type MetricKind = "counter" | "gauge" | "histogram";

/** A metric: what is counted or measured. It is data, so that the manifest can contain it. */
export interface Metric<Kind extends MetricKind = MetricKind> {
  readonly name: `stillup_${string}`;
  readonly kind: Kind;
  readonly help: string;
  /** The names of its labels, beside `service`. */
  readonly labels?: readonly string[];
  /** Of a histogram: upper bounds in seconds. */
  readonly buckets?: readonly number[];
}

export type Labels = Readonly<Record<string, string>>;

/** `env.metrics`. It is cheap and never throws. */
export interface Metrics {
  /** Counts up by `by` (1 when left out). */
  count(metric: Metric<"counter">, labels?: Labels, by?: number): void;
  /** Adds one observation in seconds. */
  observe(metric: Metric<"histogram">, value: number, labels?: Labels): void;
  set(metric: Metric<"gauge">, value: number, labels?: Labels): void;
  /** All of it in Prometheus' text format. */
  render(): Promise<string>;
}

/** How the metrics of one process are made. */
export interface MetricsOptions {
  /** A label of all of them. */
  readonly service: string;
  /** Those that are shown from the start, beside the runtime's. Others are shown once they are used. */
  readonly metrics?: readonly Metric[];
}

export const streamPending: Metric<"gauge"> = {
  name: "stillup_stream_pending",
  kind: "gauge",
  help: "Messages read and not yet acknowledged.",
  labels: ["stream"],
};
export const streamOldestSeconds: Metric<"gauge"> = {
  name: "stillup_stream_oldest_seconds",
  kind: "gauge",
  help: "Age of the oldest message not yet acknowledged.",
  labels: ["stream"],
};
export const deadLettersTotal: Metric<"counter"> = {
  name: "stillup_dead_letters_total",
  kind: "counter",
  help: "Stream dead letters.",
  labels: ["stream"],
};
export const driverCallsTotal: Metric<"counter"> = {
  name: "stillup_driver_calls_total",
  kind: "counter",
  help: "Calls of a service.",
  labels: ["driver", "kind"],
};

/** The metrics of the runtime itself. */
export const runtimeMetrics: readonly Metric[] = [
  streamPending,
  streamOldestSeconds,
  deadLettersTotal,
  driverCallsTotal,
];

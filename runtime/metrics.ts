/** Every metric of Stillup: its kind, what it says, its labels. Each process reports its own. */
export const metricDefinitions = {
  stillup_checks_total: { kind: "counter", help: "Checks stored, by outcome.", labels: ["outcome"] },
  stillup_check_duration_seconds: { kind: "histogram", help: "Time a probe took.", labels: [] },
  stillup_schedule_lag_seconds: { kind: "histogram", help: "How long after its due time a probe began.", labels: [] },
  stillup_stream_pending: { kind: "gauge", help: "Entries delivered and not acked.", labels: ["stream"] },
  stillup_stream_oldest_seconds: { kind: "gauge", help: "Age of the oldest entry not acked.", labels: ["stream"] },
  stillup_deliveries_total: { kind: "counter", help: "Tries to deliver, by outcome.", labels: ["outcome"] },
  stillup_alert_latency_seconds: {
    kind: "histogram",
    help: "From the deciding answer to the delivered alert.",
    labels: [],
  },
  stillup_dead_letters_total: { kind: "counter", help: "Stream dead letters.", labels: ["stream"] },
  stillup_driver_calls_total: { kind: "counter", help: "Trips to a service.", labels: ["driver", "kind"] },
  stillup_offline: {
    kind: "gauge",
    help: "1 while this process can see none of its connectivity targets; of the API: while that is so of any process.",
    labels: [],
  },
  stillup_oldest_due_check_seconds: {
    kind: "gauge",
    help: "Age of the oldest check that is due and has no result.",
    labels: [],
  },
  stillup_oldest_undelivered_seconds: {
    kind: "gauge",
    help: "Age of the oldest delivery still to be made.",
    labels: [],
  },
  stillup_watchdog_pings_total: { kind: "counter", help: "Canaries, by what became of them.", labels: ["outcome"] },
  stillup_monitors: { kind: "gauge", help: "Monitors, by status.", labels: ["status"] },
} as const satisfies Record<
  string,
  { kind: "counter" | "gauge" | "histogram"; help: string; labels: readonly string[] }
>;

export type MetricName = keyof typeof metricDefinitions;
export type Labels = Readonly<Record<string, string>>;

/** What a handler may tell about itself: `env.metrics`. Cheap, never throws. */
export interface Metrics {
  /** Counts up by `by` (1 when left out). */
  count(name: MetricName, labels?: Labels, by?: number): void;
  /** Adds one observation, in the metric's unit (seconds). */
  observe(name: MetricName, value: number, labels?: Labels): void;
  /** Sets a gauge. */
  set(name: MetricName, value: number, labels?: Labels): void;
  /** All of it in Prometheus' text format. */
  render(): Promise<string>;
}

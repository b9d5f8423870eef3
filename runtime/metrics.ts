/** Every metric of Stillup: its kind, what it says, its labels. Each process reports its own. */
export const metricDefinitions = {
  stillup_checks_total: { kind: "counter", help: "Checks stored, by outcome.", labels: ["outcome"] },
  stillup_check_duration_seconds: { kind: "histogram", help: "Duration of a check.", labels: [] },
  stillup_schedule_lag_seconds: { kind: "histogram", help: "How long after its due time a check began.", labels: [] },
  stillup_stream_pending: { kind: "gauge", help: "Messages read and not yet acknowledged.", labels: ["stream"] },
  stillup_stream_oldest_seconds: {
    kind: "gauge",
    help: "Age of the oldest message not yet acknowledged.",
    labels: ["stream"],
  },
  stillup_deliveries_total: { kind: "counter", help: "Delivery attempts, by outcome.", labels: ["outcome"] },
  stillup_alert_latency_seconds: {
    kind: "histogram",
    help: "Time from the deciding response to the delivered alert.",
    labels: [],
  },
  stillup_dead_letters_total: { kind: "counter", help: "Stream dead letters.", labels: ["stream"] },
  stillup_driver_calls_total: { kind: "counter", help: "Calls of a service.", labels: ["driver", "kind"] },
  stillup_offline: {
    kind: "gauge",
    help: "1 while this process reaches no connectivity target; in the API: while any process reaches none.",
    labels: [],
  },
  stillup_oldest_due_check_seconds: {
    kind: "gauge",
    help: "Age of the oldest check that is due and has no result.",
    labels: [],
  },
  stillup_oldest_undelivered_seconds: {
    kind: "gauge",
    help: "Age of the oldest pending delivery.",
    labels: [],
  },
  stillup_watchdog_pings_total: {
    kind: "counter",
    help: "Calls of the watchdog by outcome: called, late, overdue, failed, lost.",
    labels: ["outcome"],
  },
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

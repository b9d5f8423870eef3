import type { Metric } from "../runtime/metrics.ts";

// The build puts every metric that this file exports into the manifest.

const CHECK_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export const checksTotal: Metric<"counter"> = {
  name: "stillup_checks_total",
  kind: "counter",
  help: "Checks stored, by outcome.",
  labels: ["outcome"],
};
export const checkDurationSeconds: Metric<"histogram"> = {
  name: "stillup_check_duration_seconds",
  kind: "histogram",
  help: "Duration of a check.",
  buckets: CHECK_BUCKETS,
};
export const scheduleLagSeconds: Metric<"histogram"> = {
  name: "stillup_schedule_lag_seconds",
  kind: "histogram",
  help: "How long after its due time a check began.",
  buckets: CHECK_BUCKETS,
};
export const deliveriesTotal: Metric<"counter"> = {
  name: "stillup_deliveries_total",
  kind: "counter",
  help: "Delivery attempts, by outcome.",
  labels: ["outcome"],
};
/** Alerts take milliseconds when all is well, and hours when a receiver is away. */
export const alertLatencySeconds: Metric<"histogram"> = {
  name: "stillup_alert_latency_seconds",
  kind: "histogram",
  help: "Time from the deciding response to the delivered alert.",
  buckets: [
    0.001, 0.002, 0.003, 0.004, 0.006, 0.008, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
    1800, 7200,
  ],
};
export const offlineGauge: Metric<"gauge"> = {
  name: "stillup_offline",
  kind: "gauge",
  help: "1 while this process reaches no connectivity target; in the API: while any process reaches none.",
};
export const oldestDueCheckSeconds: Metric<"gauge"> = {
  name: "stillup_oldest_due_check_seconds",
  kind: "gauge",
  help: "Age of the oldest check that is due and has no result.",
};
export const oldestUndeliveredSeconds: Metric<"gauge"> = {
  name: "stillup_oldest_undelivered_seconds",
  kind: "gauge",
  help: "Age of the oldest pending delivery.",
};
export const watchdogPingsTotal: Metric<"counter"> = {
  name: "stillup_watchdog_pings_total",
  kind: "counter",
  help: "Calls of the watchdog by outcome: called, late, overdue, failed, lost.",
  labels: ["outcome"],
};
export const monitorsGauge: Metric<"gauge"> = {
  name: "stillup_monitors",
  kind: "gauge",
  help: "Monitors, by status.",
  labels: ["status"],
};

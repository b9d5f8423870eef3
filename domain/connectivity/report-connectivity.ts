import type { Env } from "../../runtime/contract.ts";
import type { DomainConfig } from "../config.ts";
import { wakeForChecks, wakeOrLog } from "../messaging/wake.ts";
import { alertsDue } from "../messaging/wake-up.ts";
import { offlineGauge } from "../metrics.ts";
import { type Connectivity, connectivityOf } from "./connectivity.ts";
import { type ConnectivityReport, recordConnectivity } from "./record-connectivity.ts";

type ReportEnv = Pick<Env<DomainConfig>, "sql" | "stream" | "http" | "log" | "metrics" | "config" | "memo">;

/** Reports that this process saw nothing a moment ago. */
export async function reportOffline(env: ReportEnv): Promise<void> {
  await report(env, await connectivityOf(env), false);
}

/**
 * Looks whether this process sees, and reports it: what ends offline time, however long the monitors' intervals are. Never
 * throws: whoever runs `enqueue-checks` looks again in 5 s.
 */
export async function checkConnectivityAgain(env: ReportEnv): Promise<void> {
  try {
    const connectivity = await connectivityOf(env);
    await report(env, connectivity, await connectivity.sees(performance.now()));
  } catch (error) {
    env.log.warn("The connectivity check failed; it is repeated in 5 s.", { error: String(error) });
  }
}

async function report(env: ReportEnv, connectivity: Connectivity, sees: boolean): Promise<void> {
  const { change, channelIds } = await recordConnectivity(env.sql, {
    reporter: connectivity.reporter,
    offline: sees ? null : ago(connectivity),
  });
  env.metrics.set(offlineGauge, sees ? 0 : 1);
  if (change === null) return;
  if (change === "offline")
    env.log.error(
      "Stillup is offline: no connectivity target responds to this process. Monitors without a response become unknown.",
    );
  else env.log.info("Stillup is online again. Every monitor is checked now.");
  await wakeOrLog(env, async () => {
    await env.stream.publish(alertsDue.messages(channelIds));
    if (change === "online") await wakeForChecks(env);
  });
}

function ago(connectivity: Connectivity): ConnectivityReport["offline"] {
  const now = performance.now();
  const { since, last } = connectivity.offline() ?? { since: now, last: now };
  return { sinceMs: now - since, lastMs: now - last };
}

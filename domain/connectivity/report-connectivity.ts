import type { Env } from "../../runtime/contract.ts";
import { ringOrLog } from "../messaging/wake.ts";
import { alertsDue } from "../messaging/wake-up.ts";
import { type Sight, sightOf } from "./connectivity.ts";
import { reportSight, type SightReport } from "./record-report.ts";

type SightEnv = Pick<Env, "sql" | "stream" | "http" | "log" | "metrics" | "config" | "memo">;

/** Reports that this process saw nothing a moment ago. */
export async function reportBlind(env: SightEnv): Promise<void> {
  await report(env, await sightOf(env), false);
}

/**
 * Looks whether this process sees, and reports it: what ends blindness, however long the monitors' intervals are. Never
 * throws: whoever runs `enqueue-checks` looks again in 5 s.
 */
export async function lookAgain(env: SightEnv): Promise<void> {
  try {
    const sight = await sightOf(env);
    await report(env, sight, await sight.sees(performance.now()));
  } catch (error) {
    env.log.warn("It could not be told whether Stillup sees again.", { error: String(error) });
  }
}

async function report(env: SightEnv, sight: Sight, sees: boolean): Promise<void> {
  const { change, channelIds } = await reportSight(env.sql, {
    reporter: sight.reporter,
    blind: sees ? null : ago(sight),
  });
  env.metrics.set("stillup_blind", sees ? 0 : 1);
  if (change === null) return;
  if (change === "blind")
    env.log.error(
      "Stillup is blind: no control target answers this process. Targets that do not answer it are unknown.",
    );
  else env.log.info("Stillup sees again. Every monitor is checked now.");
  await ringOrLog(env, async () => {
    await env.stream.publish(alertsDue.ring(channelIds));
    if (change === "sighted") await env.stream.wake("enqueue-checks");
  });
}

function ago(sight: Sight): SightReport["blind"] {
  const now = performance.now();
  const { since, last } = sight.blind() ?? { since: now, last: now };
  return { sinceMs: now - since, lastMs: now - last };
}

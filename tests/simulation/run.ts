import { carryOut } from "./carry-out.ts";
import type { Command } from "./commands.ts";
import type { Database } from "./database.ts";
import type { FaultCounts, Point } from "./faults.ts";
import { violationsOf } from "./invariants.ts";
import { createRandom } from "./random.ts";
import type { Violation } from "./violation.ts";
import { useVirtualClock } from "./virtual-clock.ts";
import { createWorld, type World } from "./world.ts";

export interface RunResult {
  /** What must not be; nothing when all is well. */
  readonly violations: readonly Violation[];
  readonly faults: FaultCounts;
  readonly reached: readonly Point[];
  readonly simulatedMs: number;
  /** Webhooks that receivers took, each once. */
  readonly alerts: number;
  /** What they took once more. */
  readonly extraPosts: number;
}

const SETTLING_MS = 6000;
const MIN_CALM_MS = 12_000;
/** Longer than any lease (30 s) and what follows its end: a sweep, checks until a status is confirmed, telling it. */
const MAX_CALM_MS = 90_000;
const STEP_MS = 4000;

/** One run: a world of its own, the commands, a quiet time, and the reckoning. */
export async function run(database: Database, seed: number, commands: readonly Command[]): Promise<RunResult> {
  await database.empty(seed);
  const world = createWorld(database, seed);
  const startMs = world.timeline.now;
  const useReal = useVirtualClock(world.timeline, createRandom(seed + 1));
  const pending_events = (error: unknown) => world.bugs.push(`a rejection that nobody handled: ${String(error)}`);
  process.on("unhandledRejection", pending_events);
  try {
    await begin(world);
    for (const command of commands) await carryOut(world, command);
    await calmDown(world);
    const violations = await violationsOf(world);
    const taken = world.ledger.posts.filter((post) => post.taken);
    const alerts = new Set(taken.map((post) => post.id)).size;
    return {
      violations,
      faults: world.faults.counts,
      reached: [...world.faults.reached],
      simulatedMs: world.timeline.now - startMs,
      alerts,
      extraPosts: taken.length - alerts,
    };
  } finally {
    world.cluster.end();
    useReal();
    process.off("unhandledRejection", pending_events);
  }
}

/** Two channels, three monitors that differ, and processes that have begun to check them. */
async function begin({ people, cluster, timeline }: World): Promise<void> {
  for (let n = 0; n < 2; n++) {
    await people.addChannel();
    await timeline.pass(50);
  }
  for (const thresholds of [
    { failures: 1, recoveries: 1 },
    { failures: 2, recoveries: 1 },
    { failures: 2, recoveries: 2 },
  ]) {
    await people.addMonitor(thresholds);
    await timeline.pass(50);
  }
  await cluster.start();
  await timeline.pass(SETTLING_MS);
}

/**
 * Faults end, half of the processes are stopped for good, and what is still to be delivered is tried without waiting for
 * its time, until nothing is left to be done or it takes too long.
 */
async function calmDown(world: World): Promise<void> {
  const { cluster, services, outside, people, timeline } = world;
  services.heal();
  outside.heal();
  people.calm();
  const frozenMs = await cluster.heal();
  await timeline.pass(frozenMs + MIN_CALM_MS);
  const giveUpAt = timeline.now + MAX_CALM_MS;
  while (timeline.now < giveUpAt && !(await isQuiet(world))) await timeline.pass(STEP_MS);
}

async function isQuiet({ database, outside, services, timeline }: World): Promise<boolean> {
  const [[row] = []] = await database.carryOut(timeline.now, [{ text: LEFT, values: [] }]);
  const { done, monitors } = row as { done: boolean; monitors: { url: string; status: string }[] }; // what LEFT selects
  if (!done || monitors.some(({ url, status }) => status !== outside.truthOf(url))) return false;
  return await services.isEmpty();
}

/** What is to be tried later than any retry waits, 8 h and a fifth, is not hurried: it would never be. */
const LEFT = `
  with hurried as (
    update deliveries set next_attempt_at = app_now()
    where status = 'pending' and next_attempt_at between app_now() and app_now() + interval '10 h'
  )
  select not exists (select from deliveries where status = 'pending')
      and not exists (select from monitors where pending_events <> '[]')
      and (select offline_since is null from connectivity) as done,
    (select coalesce(jsonb_agg(jsonb_build_object('url', target, 'status', status)), '[]') from monitors
      where deleted_at is null and status <> 'paused') as monitors`;

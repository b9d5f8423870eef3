import type { Command } from "./commands.ts";
import { carryOut } from "./commands.ts";
import type { Database } from "./database.ts";
import type { FaultCounts } from "./faults.ts";
import { type Violation, violationsOf } from "./invariants.ts";
import { createRandom } from "./random.ts";
import { useVirtualClock } from "./virtual-clock.ts";
import { createWorld, type World } from "./world.ts";

export interface RunResult {
  /** What must not be; nothing when all is well. */
  readonly violations: readonly Violation[];
  readonly faults: FaultCounts;
  readonly simulatedMs: number;
  /** Webhooks that receivers took, each once. */
  readonly alerts: number;
  /** What they took once more. */
  readonly extraPosts: number;
}

/** One run: a world of its own, the commands, a quiet time, and the reckoning. */
export async function run(database: Database, seed: number, commands: readonly Command[]): Promise<RunResult> {
  await database.empty(seed);
  const world = createWorld(database, seed);
  const startMs = world.timeline.now;
  const useReal = useVirtualClock(world.timeline, createRandom(seed + 1));
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
      simulatedMs: world.timeline.now - startMs,
      alerts,
      extraPosts: taken.length - alerts,
    };
  } finally {
    world.cluster.end();
    useReal();
  }
}

async function begin({ api, cluster, timeline }: World): Promise<void> {
  for (const n of [0, 1]) {
    await api.begin("createChannel", "", {
      name: `channel ${n}`,
      type: "webhook",
      config: { url: `http://receiver-${n}.simulated/` },
    });
    await timeline.pass(50);
  }
  for (const n of [0, 1, 2]) {
    await api.begin("createMonitor", "", {
      name: `monitor ${n}`,
      type: "http",
      url: `http://target-${n}.simulated/`,
      intervalSeconds: 5,
      failureThreshold: 2,
      recoveryThreshold: 1,
    });
    await timeline.pass(50);
  }
  await cluster.start();
  await timeline.pass(6000);
}

async function calmDown({ cluster, services, outside, timeline }: World): Promise<void> {
  services.heal();
  outside.heal();
  await cluster.heal();
  await timeline.pass(80_000);
}

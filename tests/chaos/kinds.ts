import { setTimeout as delay } from "node:timers/promises";
import { cutOff, frozen, killed, restarted, rollingRestart, scaled, struck } from "./container-faults.ts";
import { type FaultKind, meanwhile } from "./fault-kind.ts";
import { manners } from "./story.ts";

export const WORKERS = ["worker-monitoring", "worker-status-change", "worker-notification"] as const;
const STILLUP = ["api", ...WORKERS] as const;

/** Faults of Stillup's own containers. */
export function stillupKinds(): FaultKind[] {
  const recording = { breaksRecording: "at-once" } as const;
  return [
    killed("api", { weight: 2, holdMs: [200, 3000] }),
    frozen("api", { weight: 1, holdMs: [500, 6000] }),
    cutOff("api", { weight: 1, holdMs: [500, 5000] }),
    killed("worker-monitoring", { weight: 4, holdMs: [200, 4000] }),
    frozen("worker-monitoring", { weight: 3, holdMs: [500, 12_000] }),
    // Its checks fail in earnest, and so does the connectivity target: nothing is known, and nothing must be told.
    cutOff("worker-monitoring", { weight: 2, holdMs: [500, 12_000] }),
    killed("worker-status-change", { weight: 4, holdMs: [200, 4000] }),
    frozen("worker-status-change", { weight: 3, holdMs: [500, 12_000] }),
    cutOff("worker-status-change", { weight: 2, holdMs: [500, 8000] }),
    killed("worker-notification", { weight: 4, holdMs: [200, 4000], ...recording }),
    frozen("worker-notification", { weight: 3, holdMs: [500, 12_000], ...recording }),
    // Longer than a delivery's lease.
    frozen("worker-notification", { weight: 0.5, holdMs: [31_000, 40_000], ...recording }),
    cutOff("worker-notification", { weight: 2, holdMs: [500, 8000], ...recording }),
    rollingRestart(STILLUP, 0.8),
    ...WORKERS.map((service) => scaled(service, 1)),
  ];
}

/** Faults of a Postgres. */
export function postgresKinds(service: string): FaultKind[] {
  const recording = {
    breaksRecording: "throughout" as const,
    ready: ["pg_isready", "--host=127.0.0.1", "--username=stillup"],
  };
  const endSessions =
    "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'";
  return [
    killed(service, { weight: 2, holdMs: [200, 4000], ...recording }),
    restarted(service, { weight: 1, holdMs: [0, 0], ...recording }),
    frozen(service, { weight: 2, holdMs: [500, 5000], ...recording }),
    cutOff(service, { weight: 1.5, holdMs: [500, 5000], ...recording }),
    struck("sessions ended", service, {
      weight: 4,
      holdMs: [0, 0],
      ...recording,
      strike: (container, { engine }) =>
        engine.exec(container, "psql", "--username", "stillup", "--dbname", "stillup", "--command", endSessions),
    }),
  ];
}

/** Faults of a Redis that keeps an append-only file. */
export function redisKinds(service: string): FaultKind[] {
  return [
    killed(service, { weight: 2, holdMs: [200, 4000] }),
    restarted(service, { weight: 1, holdMs: [0, 0] }),
    frozen(service, { weight: 2, holdMs: [500, 5000] }),
    cutOff(service, { weight: 1.5, holdMs: [500, 5000] }),
    struck("emptied", service, {
      weight: 3,
      holdMs: [0, 0],
      strike: (container, { engine }) => engine.exec(container, "redis-cli", "flushall"),
    }),
    struck("SIGKILL and data thrown away", service, {
      weight: 2,
      holdMs: [200, 4000],
      async strike(container, { engine }, { holdMs }) {
        await engine.exec(container, "sh", "-c", "rm -rf /data/*");
        await engine.kill(container);
        await meanwhile(
          () => delay(holdMs),
          () => engine.start(container),
        );
      },
    }),
  ];
}

/** A receiver that misbehaves counts once when a webhook met it. */
export function receiverKinds(receivers: readonly string[], weight: number): FaultKind[] {
  return receivers.flatMap((receiver) =>
    manners.map((manner) => ({
      name: `receiver: ${manner}`,
      weight: weight / receivers.length / manners.length,
      parts: [`receiver ${receiver}`],
      holdMs: [2000, 6000] as const,
      breaksRecording: "never" as const, // the answers themselves say it
      async inject({ receivers: all }, { holdMs }) {
        const end = all.misbehave(receiver, manner);
        await delay(holdMs);
        return end() > 0 ? 1 : 0;
      },
    })),
  );
}

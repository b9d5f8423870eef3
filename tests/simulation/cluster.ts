import enqueueChecks, {
  ports as connectivityPorts,
  schedule as everyCheck,
} from "../../functions/schedules/enqueue-checks.ts";
import tendStream, { schedule as everyTending } from "../../functions/schedules/prune-consumers.ts";
import sweepDeliveries, {
  schedule as everyDelivery,
  ports as sweepPorts,
} from "../../functions/schedules/sweep-deliveries.ts";
import sweepStatusChanges, { schedule as everyChange } from "../../functions/schedules/sweep-status-changes.ts";
import monitoring, { ports as checkPorts, source as checks } from "../../functions/workers/monitoring.ts";
import notification, { ports as alertPorts, source as alerts } from "../../functions/workers/notification.ts";
import statusChange, { source as changes } from "../../functions/workers/status-change.ts";
import type { HostEnv } from "../../runtime/host-env.ts";
import { createBackground } from "../../runtime/worker/background.ts";
import { startConsumer } from "../../runtime/worker/consumer.ts";
import { drain } from "../../runtime/worker/drain.ts";
import { startScheduleLoop } from "../../runtime/worker/schedule-loop.ts";
import type { LoadedSchedule, LoadedWorker } from "../../runtime/worker/start-functions.ts";
import { listenForWakeUps } from "../../runtime/worker/wake-ups.ts";
import type { Faults } from "./faults.ts";
import { Host } from "./host.ts";
import type { Ledger } from "./ledger.ts";
import type { Timeline } from "./timeline.ts";

export const roles = ["monitoring", "status-change", "notification"] as const;
export type Role = (typeof roles)[number];
export const REPLICAS = 2;

const workers: Record<Role, Omit<LoadedWorker, "name">> = {
  monitoring: { fn: monitoring, source: checks, ports: checkPorts },
  "status-change": { fn: statusChange, source: changes },
  notification: { fn: notification, source: alerts, ports: alertPorts },
};

export const sources = [checks, changes, alerts];

/** Rolling up and retaining decide and tell nothing, so they stand still. */
const schedules: readonly LoadedSchedule[] = [
  { name: "enqueue-checks", schedule: everyCheck, fn: enqueueChecks, ports: connectivityPorts },
  { name: "sweep-status-changes", schedule: everyChange, fn: sweepStatusChanges },
  { name: "sweep-deliveries", schedule: everyDelivery, fn: sweepDeliveries, ports: sweepPorts },
  { name: "prune-consumers", schedule: everyTending, fn: tendStream },
];

interface ClusterOptions {
  readonly timeline: Timeline;
  readonly faults: Faults;
  readonly ledger: Ledger;
  envOf(host: Host): HostEnv;
}

/** A place in the cluster: one life after the other runs in it. */
interface Place {
  readonly role: Role;
  readonly replica: number;
  lives: number;
  /** Nobody begins here any more. */
  isLeft: boolean;
  host: Host;
  stop(): Promise<unknown>;
}

/** All worker processes, as local/service.ts puts them together. */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #places: Place[] = [];

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    for (const role of roles) {
      for (let replica = 0; replica < REPLICAS; replica++) {
        const place = { role, replica, lives: 0, isLeft: false, host: new Host("none"), stop: async () => {} };
        this.#places.push(place);
        await this.#begin(place);
      }
    }
  }

  /** The life that runs in a place now; what was killed last when none does. */
  host(role: Role, replica: number): Host {
    return this.#place(role, replica).host;
  }

  /** Ends a process as SIGKILL does. Its next life begins after `seconds`. */
  kill(host: Host, seconds: number): void {
    const { ledger, timeline } = this.#options;
    if (!host.alive) return;
    ledger.excuse(host);
    host.die();
    const place = this.#places.find((each) => each.host === host);
    if (place !== undefined) timeline.schedule(seconds * 1000, null, () => this.#begin(place));
  }

  /** Stops a process in its tracks, as SIGSTOP does. What it called for is carried out meanwhile. */
  freeze(host: Host, seconds: number): void {
    const { ledger, timeline, faults } = this.#options;
    if (!host.alive || host.frozenUntil > timeline.now) return;
    faults.count("process frozen");
    ledger.excuse(host);
    host.frozenUntil = timeline.now + seconds * 1000;
  }

  /** Has processes reach nothing outside: targets, connectivity targets, receivers. */
  cut(who: Role | "all", replica: number, seconds: number): void {
    const { now } = this.#options.timeline;
    for (const place of this.#places) {
      const isMeant = who === "all" || (place.role === who && place.replica === replica);
      if (isMeant) place.host.cuts.push({ fromMs: now, untilMs: now + seconds * 1000 });
    }
  }

  /** Ends a process as a deployment does, and starts its next life at once. */
  async roll(role: Role, replica: number): Promise<void> {
    const { timeline, faults } = this.#options;
    const place = this.#place(role, replica);
    const { host } = place;
    if (!host.alive || host.frozenUntil > timeline.now) return;
    faults.count("rolling restart");
    await this.#stop(place);
  }

  async #stop({ host, stop }: Place): Promise<void> {
    const { timeline } = this.#options;
    await timeline.as(host, () => {
      void stop().then(() => timeline.schedule(0, null, () => this.kill(host, 0)));
    });
  }

  /**
   * One process of each kind lives, the others are stopped, and none has anything to fear any more. Resolves with when
   * the last frozen one thaws: milliseconds.
   */
  async heal(): Promise<number> {
    const { timeline } = this.#options;
    for (const place of this.#places) {
      place.host.traps.length = 0;
      for (const cut of place.host.cuts) cut.untilMs = Math.min(cut.untilMs, timeline.now);
      place.isLeft = place.replica > 0;
      if (place.host.alive && place.isLeft) await this.#stop(place);
      if (!place.host.alive) await this.#begin(place);
    }
    return Math.max(0, ...this.#places.map(({ host }) => host.frozenUntil - timeline.now));
  }

  /** Ends everything at once, for the run is over. */
  end(): void {
    for (const { host } of this.#places) host.die();
  }

  #place(role: Role, replica: number): Place {
    const found = this.#places.find((place) => place.role === role && place.replica === replica % REPLICAS);
    if (found === undefined) throw new Error(`There is no ${role} ${replica}.`);
    return found;
  }

  async #begin(place: Place): Promise<void> {
    if (place.isLeft || (place.host.alive && place.lives > 0)) return;
    place.lives += 1;
    const host = new Host(`${place.role}-${place.replica}-${place.lives}`, place.host.cuts);
    place.host = host;
    await this.#options.timeline.as(host, () => {
      place.stop = this.#run(place.role, host);
    });
  }

  /** Resolves with how to stop it. */
  #run(role: Role, host: Host): () => Promise<unknown> {
    const env = this.#options.envOf(host);
    const background = createBackground(env.log);
    const worker = startConsumer({ name: role, consumer: host.name, ...workers[role], env, background });
    const loops = schedules
      .filter(({ schedule }) => schedule.runsWith.includes(role))
      .map((schedule) => startScheduleLoop({ ...schedule, env, background }));
    const stages = [
      [worker, ...loops, listenForWakeUps(loops, env)],
      [{ name: "the background", left: () => null, stop: background.idle }],
    ];
    return () => drain(stages, { seconds: env.config.drainSeconds, log: env.log });
  }
}

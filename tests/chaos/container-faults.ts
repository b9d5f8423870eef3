import { setTimeout as delay } from "node:timers/promises";
import { type FaultKind, meanwhile, oneOf, type Strike, type World } from "./fault-kind.ts";
import type { BreaksRecording } from "./story.ts";

interface Shape {
  readonly weight: number;
  readonly holdMs: readonly [number, number];
  readonly breaksRecording?: BreaksRecording;
  /** A command in the container that succeeds once it is fixed; the fault lasts until then. */
  readonly ready?: readonly string[];
}

const READY_TRIES = 60;

async function untilReady({ engine }: World, container: string, { ready }: Shape): Promise<void> {
  if (ready === undefined) return;
  const isReady = () =>
    engine.exec(container, ...ready).then(
      () => true,
      () => false,
    );
  for (let left = READY_TRIES; left > 0 && !(await isReady()); left--) await delay(200);
}

/** SIGKILL to all of a container at once; it is started again by hand, because the engine takes it for a wish. */
export function killed(service: string, shape: Shape): FaultKind {
  return kind(`SIGKILL ${service}`, [service], shape, async (world, { holdMs, roll, struck }) => {
    const container = await oneOf(world, service, roll);
    await world.engine.kill(container);
    struck();
    await meanwhile(
      () => delay(holdMs),
      () => world.engine.start(container),
    );
    await untilReady(world, container, shape);
    return 1;
  });
}

export function frozen(service: string, shape: Shape): FaultKind {
  return kind(`SIGSTOP, SIGCONT ${service}`, [service], shape, async (world, { holdMs, roll, struck }) => {
    const container = await oneOf(world, service, roll);
    await meanwhile(
      async () => {
        await world.engine.freeze(container);
        struck();
        await delay(holdMs);
      },
      () => world.engine.resume(container),
    );
    return 1;
  });
}

export function cutOff(service: string, shape: Shape): FaultKind {
  return kind(`network cut ${service}`, [service], shape, async (world, { holdMs, roll, struck }) => {
    const container = await oneOf(world, service, roll);
    const connect = await world.engine.cutOff(container);
    struck();
    await meanwhile(() => delay(holdMs), connect);
    return 1;
  });
}

export function restarted(service: string, shape: Shape): FaultKind {
  return kind(`restart ${service}`, [service], shape, async (world, { roll }) => {
    const container = await oneOf(world, service, roll);
    await world.engine.restart(container);
    await untilReady(world, container, shape);
    return 1;
  });
}

/** Every container of these services, one after the other, as a deployment would; each counts. */
export function rollingRestart(services: readonly string[], weight: number): FaultKind {
  return kind("rolling restart, each container", services, { weight, holdMs: [0, 0] }, async ({ engine }) => {
    let count = 0;
    for (const service of services) {
      for (const container of await engine.running(service)) {
        await engine.restart(container);
        count += 1;
      }
    }
    return count;
  });
}

const MAX_REPLICAS = 3;

export function scaled(service: string, weight: number): FaultKind {
  return kind(`scaled ${service}`, [service], { weight, holdMs: [0, 0] }, async ({ engine, compose }, { roll }) => {
    const now = (await engine.running(service)).length;
    const others = Array.from({ length: MAX_REPLICAS }, (_, index) => index + 1).filter((count) => count !== now);
    const count = others[Math.floor(roll * others.length)] ?? 1;
    await compose("up", "--detach", "--no-deps", "--no-recreate", "--scale", `${service}=${count}`, service);
    return 1;
  });
}

/** Any other, done to a container that runs. */
export function struck(
  name: string,
  service: string,
  shape: Shape & { strike(container: string, world: World, draw: Strike): Promise<unknown> },
): FaultKind {
  const { strike, ...rest } = shape;
  return kind(`${name} ${service}`, [service], rest, async (world, draw) => {
    await strike(await oneOf(world, service, draw.roll), world, draw);
    return 1;
  });
}

function kind(name: string, parts: readonly string[], shape: Shape, inject: FaultKind["inject"]): FaultKind {
  const { weight, holdMs, breaksRecording = "never" } = shape;
  return { name, parts, weight, holdMs, breaksRecording, inject };
}

import type { RouteName } from "./api.ts";
import { REPLICAS, type Role } from "./cluster.ts";
import type { Command } from "./commands.ts";
import type { Trap } from "./faults.ts";
import type { Behaviour } from "./outside.ts";
import type { World } from "./world.ts";

/** Does what a command says, and lets its time pass. */
export async function carryOut(world: World, command: Command): Promise<void> {
  await act(world, command);
  await world.timeline.pass(command.afterMs);
}

async function act(world: World, command: Command): Promise<void> {
  const { cluster, faults, outside, services, timeline, people } = world;
  switch (command.do) {
    case "flip":
      return outside.behave(targetOf(command.monitor), command.behaviour);
    case "fail":
      outside.behave(targetOf(command.monitor), "error");
      return timeline.pass(command.seconds * 1000);
    case "recover":
      outside.behave(targetOf(command.monitor), "ok");
      return timeline.pass(command.seconds * 1000);
    case "wait":
      return timeline.pass(command.seconds * 1000);

    case "trap":
      return arm(world, command.role, command.replica, { ...command });
    case "trap a change":
      return arm(world, command.at.role, command.replica, { ...command, point: command.at.point, nth: 0 });
    case "trap a telling":
      return arm(world, "notification", command.replica, { ...command, nth: 0 });
    case "kill": {
      const host = cluster.host(command.role, command.replica);
      if (host.alive) faults.count("process killed");
      return cluster.kill(host, command.seconds);
    }
    case "freeze":
      return cluster.freeze(cluster.host(command.role, command.replica), command.seconds);
    case "stall":
      return stall(world, command.role, command.seconds);
    case "roll":
      return cluster.roll(command.role, command.replica);
    case "step clock":
      faults.count("clock on the wall stepped");
      cluster.host(command.role, command.replica).skewMs += command.minutes * 60_000;
      return;

    case "database away":
      return awayDatabase(world, command.seconds);
    case "streams away":
      faults.count("streams away");
      services.streamsAwayUntil = timeline.now + command.seconds * 1000;
      return;
    case "lose streams":
      return services.loseStreams();
    case "trim":
      return services.trim(command.stream, command.entries);
    case "double":
      return services.repeat(command.stream, command.entries, "entries doubled");
    case "shuffle":
      return services.repeat(command.stream, command.entries, "entries out of order");
    case "poison":
      return services.poison(command.stream);
    case "lose wake-ups":
      services.wakeUpsLostUntil = timeline.now + command.seconds * 1000;
      return;
    case "cut network":
      faults.count("network cut");
      return cluster.cut(command.who, command.replica, command.seconds);
    case "silence control":
      faults.count("connectivity target silent");
      return outside.silence(command.control, command.seconds * 1000);
    case "misbehave":
      return outside.misbehave(receiverOf(command.channel), command.list);

    case "flap pending_events":
      return flapUnhandled(world, command);
    case "poison unheard":
      awayDatabase(world, command.seconds);
      return services.poison(command.stream);
    case "change unheard":
      return changeUnheard(world, command.monitor);
    case "overtake a try":
      return overtake(world, command);

    case "add monitor":
      return people.addMonitor(command);
    case "move monitor":
      return people.moveMonitor(command.monitor);
    case "tune monitor": {
      const { failures, recoveries } = command;
      const body = { failureThreshold: failures, recoveryThreshold: recoveries };
      return people.useMonitor("updateMonitor", command.monitor, body);
    }
    case "choose channels":
      return people.chooseChannels(command.monitor, command.channels);
    case "pause monitor":
    case "resume monitor":
    case "delete monitor":
    case "check monitor":
      return people.useMonitor(routes[command.do], command.monitor);
    case "resolve incident":
      return people.resolveIncident(command.monitor);
    case "add channel":
      return people.addChannel();
    case "disable channel":
      return people.closeChannel("updateChannel", command.channel);
    case "enable channel":
      return people.enableChannel(command.channel);
    case "delete channel":
      return people.closeChannel("deleteChannel", command.channel);
  }
}

function awayDatabase({ faults, services, timeline }: World, seconds: number): void {
  faults.count("database away");
  services.databaseAwayUntil = timeline.now + seconds * 1000;
}

/** Long enough for a target to be found to be what it is. */
const CONFIRMED_MS = 11_000;

async function flapUnhandled(
  world: World,
  { monitor, redeliver }: { monitor: number; redeliver: boolean },
): Promise<void> {
  const { outside, timeline } = world;
  const target = targetOf(monitor);
  const behaviours: Behaviour[] = redeliver ? ["error", "ok", "error"] : ["error", "ok"];
  stall(world, "status-change", (behaviours.length * CONFIRMED_MS) / 1000);
  for (const behaviour of behaviours) {
    outside.behave(target, behaviour);
    await timeline.pass(CONFIRMED_MS);
  }
}

async function changeUnheard(world: World, monitor: number): Promise<void> {
  const { cluster, timeline } = world;
  for (let replica = 0; replica < REPLICAS; replica++) {
    cluster.host("monitoring", replica).traps.push({ point: "wake", nth: 0, effect: "lose call", seconds: 1 });
  }
  flip(world, monitor);
  await timeline.pass(CONFIRMED_MS);
}

function flip({ outside }: World, monitor: number): void {
  const target = targetOf(monitor);
  outside.behave(target, outside.truthOf(`http://${target}/`) === "up" ? "error" : "ok");
}

async function overtake(
  world: World,
  { monitor, replica, seconds }: { monitor: number; replica: number; seconds: number },
): Promise<void> {
  const { cluster, outside, timeline } = world;
  for (const n of [0, 1]) outside.misbehave(receiverOf(n), ["500", "slow", "slow"]);
  // So that the other one makes the second try.
  cluster.freeze(cluster.host("notification", 1 - replica), CONFIRMED_MS / 1000);
  cluster.host("notification", replica).traps.push({ point: "webhook", nth: 0, effect: "freeze after", seconds });
  flip(world, monitor);
  await timeline.pass(CONFIRMED_MS + seconds * 1000);
}

function stall({ cluster }: World, role: Role, seconds: number): void {
  for (let replica = 0; replica < REPLICAS; replica++) cluster.freeze(cluster.host(role, replica), seconds);
}

const routes = {
  "pause monitor": "pauseMonitor",
  "resume monitor": "resumeMonitor",
  "delete monitor": "deleteMonitor",
  "check monitor": "checkMonitor",
} as const satisfies Record<string, RouteName>;

type Armed = Pick<Trap, "point" | "nth" | "effect" | "seconds">;

function arm(
  { cluster, people }: World,
  role: Parameters<typeof cluster.host>[0] | "api",
  replica: number,
  trap: Armed,
): void {
  const { point, nth, effect, seconds } = trap;
  if (role === "api") people.arm({ point, nth, effect, seconds });
  else cluster.host(role, replica).traps.push({ point, nth, effect, seconds });
}

export function targetOf(n: number): string {
  return `target-${n}.simulated`;
}

export function receiverOf(n: number): string {
  return `receiver-${n}.simulated`;
}

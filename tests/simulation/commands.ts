import * as fc from "fast-check";
import { REPLICAS, type Role, roles } from "./cluster.ts";
import { type Behaviour, behaviours } from "./outside.ts";
import type { World } from "./world.ts";

/** One step of a run: what is done, and how long the world goes on before the next. */
export type Command = { readonly afterMs: number } & (
  | { readonly do: "flip"; readonly monitor: number; readonly behaviour: Behaviour }
  | { readonly do: "kill"; readonly role: Role; readonly replica: number; readonly seconds: number }
);

/** A run has up to so many; fast-check draws how many evenly. */
export const mostCommands = 30;

const afterMs = fc.integer({ min: 0, max: 6000 });
const replica = fc.integer({ min: 0, max: REPLICAS - 1 });
const role = fc.constantFrom(...roles);

export const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    do: fc.constant("flip" as const),
    monitor: fc.nat(2),
    behaviour: fc.constantFrom(...behaviours),
    afterMs,
  }),
  fc.record({ do: fc.constant("kill" as const), role, replica, seconds: fc.integer({ min: 1, max: 15 }), afterMs }),
);

export async function carryOut(world: World, command: Command): Promise<void> {
  switch (command.do) {
    case "flip":
      world.outside.behave(`target-${command.monitor}.simulated`, command.behaviour);
      break;
    case "kill": {
      const host = world.cluster.host(command.role, command.replica);
      if (host.alive) world.faults.count("process killed");
      world.cluster.kill(host, command.seconds);
      break;
    }
  }
  await world.timeline.pass(command.afterMs);
}

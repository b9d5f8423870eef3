import * as fc from "fast-check";
import { REPLICAS, roles } from "./cluster.ts";
import { points, trapEffects } from "./faults.ts";
import { behaviours, mischiefs } from "./outside.ts";

/** A run has up to so many; fast-check draws how many evenly. */
export const maxCommands = 52;

const streams = ["checks.due", "status.changed", "alerts.due"] as const;

/** Where every worker comes by within seconds. */
const busyPoints = ["turn", "claim", "apply", "handle", "read", "settle", "publish", "wake", "probe"] as const;

const role = fc.constantFrom(...roles);
const replica = fc.integer({ min: 0, max: REPLICAS - 1 });
const monitor = fc.oneof({ weight: 4, arbitrary: fc.nat(2) }, fc.nat(4));
const channel = fc.oneof({ weight: 4, arbitrary: fc.nat(1) }, fc.nat(3));
const stream = fc.constantFrom(...streams);
const seconds = (min: number, max: number) => fc.integer({ min, max });
/** Short, so that work goes on; or longer than any lease. */
const shortOrLong = fc.oneof({ weight: 4, arbitrary: seconds(1, 8) }, { weight: 1, arbitrary: seconds(31, 45) });

/** Answering 410 ends a channel, and with it what could be told. */
const mischief = fc.oneof({ weight: 20, arbitrary: fc.constantFrom(...mischiefs) }, fc.constant("410" as const));

/** What people do to monitors and channels: no fault, but it may come at the worst moment. */
const use = {
  "add monitor": fc.record({ failures: fc.integer({ min: 1, max: 3 }), recoveries: fc.integer({ min: 1, max: 2 }) }),
  "move monitor": fc.record({ monitor }),
  "tune monitor": fc.record({
    monitor,
    failures: fc.integer({ min: 1, max: 3 }),
    recoveries: fc.integer({ min: 1, max: 2 }),
  }),
  "choose channels": fc.record({ monitor, channels: fc.option(fc.uniqueArray(channel, { maxLength: 2 })) }),
  "pause monitor": fc.record({ monitor }),
  "resume monitor": fc.record({ monitor }),
  "delete monitor": fc.record({ monitor }),
  "check monitor": fc.record({ monitor }),
  "resolve incident": fc.record({ monitor }),
  "add channel": fc.record({}),
  "disable channel": fc.record({ channel }),
  "enable channel": fc.record({ channel }),
  "delete channel": fc.record({ channel }),
};

/** What the world does to Stillup. */
const harm = {
  trap: fc.record({
    role: fc.constantFrom(...roles, "api" as const),
    replica,
    point: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...busyPoints) }, fc.constantFrom(...points)),
    nth: fc.nat(1),
    effect: fc.constantFrom(...trapEffects),
    seconds: shortOrLong,
  }),
  "trap a change": fc.record({
    at: fc.constantFrom(
      { role: "monitoring", point: "apply" } as const,
      { role: "monitoring", point: "wake" } as const,
      { role: "status-change", point: "handle" } as const,
      { role: "status-change", point: "settle" } as const,
    ),
    replica,
    effect: fc.constantFrom(...trapEffects),
    seconds: shortOrLong,
  }),
  "trap a telling": fc.record({
    replica,
    point: fc.constantFrom("lease" as const, "webhook" as const, "record" as const),
    effect: fc.constantFrom(...trapEffects),
    seconds: shortOrLong,
  }),
  kill: fc.record({ role, replica, seconds: seconds(1, 8) }),
  freeze: fc.record({ role, replica, seconds: shortOrLong }),
  stall: fc.record({ role, seconds: seconds(3, 30) }),
  roll: fc.record({ role, replica }),
  "step clock": fc.record({ role, replica, minutes: fc.integer({ min: -10, max: 10 }) }),
  "database away": fc.record({ seconds: seconds(1, 12) }),
  "streams away": fc.record({ seconds: seconds(1, 12) }),
  "lose streams": fc.record({}),
  trim: fc.record({ stream, entries: fc.integer({ min: 1, max: 5 }) }),
  double: fc.record({ stream, entries: fc.integer({ min: 1, max: 5 }) }),
  shuffle: fc.record({ stream, entries: fc.integer({ min: 2, max: 6 }) }),
  poison: fc.record({ stream }),
  "lose wake-ups": fc.record({ seconds: seconds(5, 30) }),
  "cut network": fc.record({ who: fc.constantFrom("all" as const, ...roles), replica, seconds: seconds(2, 25) }),
  "silence control": fc.record({ control: fc.nat(1), seconds: seconds(5, 40) }),
  misbehave: fc.record({
    channel,
    list: fc.array(mischief, { minLength: 1, maxLength: 4 }),
  }),
};

/** Several things at once that chance seldom brings together. */
const plots = {
  /** Nobody handles changes while a target goes down, comes back and perhaps goes down again. */
  "flap pending_events": fc.record({ monitor, redeliver: fc.boolean() }),
  /** A target changes, and the wake-up that is to tell of it is lost. */
  "change unheard": fc.record({ monitor }),
  /** A message that cannot be read comes while nothing can be dead-lettered. */
  "poison unheard": fc.record({ stream, seconds: seconds(2, 15) }),
  /** A try fails, and its process is frozen until another one has taken the delivery over and is at it. */
  "overtake a try": fc.record({ monitor, replica, seconds: seconds(31, 43) }),
};

/** What targets do, and time. */
const pass = {
  flip: fc.record({ monitor, behaviour: fc.constantFrom(...behaviours) }),
  fail: fc.record({ monitor, seconds: fc.nat(10) }),
  recover: fc.record({ monitor, seconds: fc.nat(8) }),
  wait: fc.record({ seconds: seconds(5, 40) }),
};

const all = { ...use, ...harm, ...plots, ...pass };
export type Name = keyof typeof all;
const names = Object.keys(all) as Name[]; // its own keys and no others
type Values<Arbitrary> = Arbitrary extends fc.Arbitrary<infer Value> ? Value : never;
/** One step of a run: what is done, and how long the world goes on before the next. */
export type Command = { [Each in Name]: { readonly do: Each } & Readonly<Values<(typeof all)[Each]>> }[Name] & {
  readonly afterMs: number;
};

const weights: Partial<Record<Name, number>> = {
  trap: 24,
  "trap a change": 24,
  "trap a telling": 24,
  kill: 10,
  freeze: 4,
  stall: 3,
  roll: 4,
  "step clock": 2,
  "database away": 4,
  "streams away": 4,
  "lose streams": 4,
  trim: 6,
  double: 8,
  shuffle: 6,
  poison: 2,
  "lose wake-ups": 3,
  "cut network": 6,
  misbehave: 24,
  flip: 8,
  fail: 24,
  recover: 20,
  "pause monitor": 3,
  "resume monitor": 5,
  "move monitor": 4,
  wait: 3,
};

/** Mostly close together, so that faults meet what the ones before left. */
const afterMs = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 500 }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 2500 }) },
  { weight: 1, arbitrary: fc.integer({ min: 2500, max: 7000 }) },
);

function named<Each extends Name>(name: Each): fc.Arbitrary<Command> {
  const values = all[name] as fc.Arbitrary<object>;
  return fc.tuple(values, afterMs).map(([value, ms]) => ({ do: name, ...value, afterMs: ms }) as unknown as Command);
}

/** The weight of commands that are to come often: a run has several of each. */
const OFTEN = 60;

/** A command; those named come often. */
export function commandWith(often: readonly Name[]): fc.Arbitrary<Command> {
  const weightOf = (name: Name) => (often.includes(name) ? OFTEN : (weights[name] ?? 2));
  const weighted = names.map((name) => ({ weight: weightOf(name), arbitrary: named(name) }));
  return fc.oneof(...weighted);
}

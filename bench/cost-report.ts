import type { AlertLatency } from "./alert-latency.ts";
import type { Machine } from "./machine.ts";
import { aligned, type Cells, piped } from "./report.ts";
import type { SimulatedDay } from "./simulated-day.ts";
import type { Summary } from "./summary.ts";

/** What a run has found. */
export interface CostFigures {
  readonly machine: Machine;
  readonly days: readonly SimulatedDay[];
  readonly roundTripMs: number;
  readonly latency: AlertLatency;
}

interface Aim {
  readonly name: string;
  readonly value: number;
  readonly most: number;
}

export function aims({ days, latency }: CostFigures): Aim[] {
  const idle = days.find(({ monitors }) => monitors === 0);
  const busiest = days.find(({ monitors }) => monitors === MAX_MONITORS);
  const checks = busiest === undefined ? Number.NaN : checksADay(busiest);
  return [
    { name: "no monitor: Redis commands a day", value: idle?.commands ?? Number.NaN, most: 5000 },
    { name: "no monitor: CU-hours a month", value: idle?.month.cuHours ?? Number.NaN, most: 100 },
    { name: `${MAX_MONITORS} monitors: Redis commands a check`, value: (busiest?.commands ?? 0) / checks, most: 0.1 },
    { name: `${MAX_MONITORS} monitors: SQL trips a check`, value: (busiest?.sqlTrips ?? 0) / checks, most: 0.05 },
    { name: "alert over connections in use, p50 ms", value: latency.warm.p50, most: 250 },
    { name: "alert after an idle hour, p50 ms", value: latency.afterIdle.p50, most: 500 },
  ];
}

export const MAX_MONITORS = 1000;

/** One sentence for each aim that was not met. */
export function missedAims(figures: CostFigures): string[] {
  return aims(figures)
    .filter(({ value, most }) => !(value <= most))
    .map(({ name, value, most }) => `${name}: ${round(value)}; the aim is ${most}.`);
}

/** All figures, for a terminal. */
export function costTable(figures: CostFigures): string {
  const { days, latency } = figures;
  return [dayCells(days), monthCells(days), alertCells(days), latencyCells(latency), aimCells(figures)]
    .map(aligned)
    .join("\n\n")
    .concat(`\n\n${scaled(days)}`);
}

/** docs/cost.md. */
export function costMarkdown(figures: CostFigures): string {
  const { machine, days, roundTripMs, latency } = figures;
  return `# What it costs over HTTP

Written by \`npm run bench:cost\`, which needs six minutes, Linux, and Postgres and Redis as for the tests. It ends with 1
when an aim is missed.

Measured on ${machine.date}: ${machine.processor}, ${machine.memoryGb} GB, ${machine.system}, Node ${machine.node},
Postgres ${machine.postgres}, Redis ${machine.redis}, everything on this machine. Load before: ${machine.load.toFixed(2)}. The prices are
those published in November 2026: Upstash's pay as you go, Neon's plan Launch with its smallest compute, 0.25 CU.

## A day

One replica of each service, HTTP monitors every 60 s that succeed, one webhook channel. The services run as in
containers, bundles, loops and drivers, against the emulators over TLS; the emulators count what would be billed. Time is
simulated: the process' timers and the database's \`app_now()\` stand still until no request is under way and every wake-up is
received, and then jump to the next timer. Targets and receivers answer at once. Each service's health check is made every
30 s, ${healthChecks(days)}; their cost is among these figures, and is nothing.

${scaled(days)}

${piped(dayCells(days))}

Commands by their names, a day:

${piped(commandCells(days))}

A statement, or a list of them sent together, is one SQL trip. Redis commands hardly depend on the number of monitors up to
some 1,300, and grow with it beyond: a batch of checks costs five (XADD and PUBLISH, XREADGROUP, XDEL and XACK), holds up to
100, and the batches come every 4.5 s.
Nobody scrapes metrics here: a worker's \`/metrics\` asks Upstash for two to four commands each time.

## A month

30 such days at the published prices, and whether the free plans hold it (500,000 commands; 100 CU-hours, 0.5 GB). What the free
plans give is not taken off. The database sleeps after 5 minutes without a statement. Storage is that of 7 days' raw checks
with their index (\`RAW_CHECK_DAYS\`), as measured; the rest is small.

${piped(monthCells(days))}

With monitors that are checked more often than every 5 minutes the database never sleeps, and a quarter of a CU around the
clock is more than the free plan's.

A watchdog (\`WATCHDOG_URL\`) keeps it awake too: its canary a minute takes 24,000 Redis commands (1.45 USD a month at
Upstash) and 8,600 SQL trips more a day. (Measured over three simulated hours without monitors.)

## An alert

What it adds to the checks: ${alertsIn(days)} monitors' worth of going down and coming back, beyond as much time without.

${piped(alertCells(days))}

From just before a target writes the deciding answer to the webhook's last byte, in real time, a process for each service,
with ${roundTripMs} ms to each of the two services and back on every byte: a new connection costs one more round trip for TCP and one
for TLS. Connections are let go 4 s after their last request, as Node's fetch does where a server promises nothing.

${piped(latencyCells(latency))}

After an idle hour the schedules that look for work are asleep, and no connection is open but those that receive wake-ups; the schedules wake 5 s before the check, as they do, and most connections are gone again when it fails. The hour
itself is not waited for: what is remembered of work is taken back, and connections are dropped. A database of Neon's that
sleeps is woken by the schedules, 5 s before the check: its cold start is not among these figures.

## Aims

${piped(aimCells(figures))}
`;
}

function dayCells(days: readonly SimulatedDay[]): Cells {
  return [
    ["monitors", "checks a day", "Redis commands a day", "a check", "SQL trips a day", "a check", "database awake"],
    ...days.map((day) => [
      `${day.monitors}`,
      whole(checksADay(day)),
      whole(day.commands),
      aCheck(day, day.commands),
      whole(day.sqlTrips),
      aCheck(day, day.sqlTrips),
      `${day.awakeHours.toFixed(1)} h`,
    ]),
  ];
}

function commandCells(days: readonly SimulatedDay[]): Cells {
  const names = [...new Set(days.flatMap(({ commandsByName }) => Object.keys(commandsByName)))]
    .filter((name) => days.some(({ commandsByName }) => (commandsByName[name] ?? 0) > 0))
    .sort();
  return [
    ["monitors", ...names.map((name) => name.toUpperCase())],
    ...days.map(({ monitors, commandsByName }) => [
      `${monitors}`,
      ...names.map((name) => whole(commandsByName[name] ?? 0)),
    ]),
  ];
}

function monthCells(days: readonly SimulatedDay[]): Cells {
  const held = (isHeld: boolean) => (isHeld ? "held" : "not held");
  return [
    [
      "monitors",
      "Redis commands",
      "Upstash",
      "free plan",
      "CU-hours",
      "storage",
      "Neon",
      "free plan: compute",
      "storage",
    ],
    ...days.map(({ monitors, storedGb, month }) => [
      `${monitors}`,
      whole(month.commands),
      usd(month.redisUsd),
      held(month.isRedisFree),
      whole(month.cuHours),
      `${storedGb.toFixed(2)} GB`,
      usd(month.neonUsd),
      held(month.isComputeFree),
      held(month.isStorageFree),
    ]),
  ];
}

function alertCells(days: readonly SimulatedDay[]): Cells {
  return [
    ["monitors", "Redis commands an alert", "SQL trips an alert", "100 alerts at Upstash"],
    ...days.flatMap(({ monitors, anAlert }) =>
      anAlert === null
        ? []
        : [
            [
              `${monitors}`,
              anAlert.commands.toFixed(1),
              anAlert.sqlTrips.toFixed(1),
              `${(anAlert.commands * 100 * 0.0002).toFixed(2)} cents`,
            ],
          ],
    ),
  ];
}

function latencyCells({ warm, afterIdle }: AlertLatency): Cells {
  const row = (name: string, { count, p50, p99, max }: Summary) => [
    name,
    `${count}`,
    ...[p50, p99, max].map((ms) => ms.toFixed(0)),
  ];
  return [
    ["", "alerts", "p50 ms", "p99 ms", "max ms"],
    row("over connections in use", warm),
    row("after an idle hour", afterIdle),
  ];
}

function aimCells(figures: CostFigures): Cells {
  return [
    ["", "measured", "at most", ""],
    ...aims(figures).map(({ name, value, most }) => [name, round(value), `${most}`, value <= most ? "met" : "missed"]),
  ];
}

function scaled(days: readonly SimulatedDay[]): string {
  const stretches = days.map(({ monitors, simulatedHours: hours }) => `${hours} h with ${monitors} monitors`);
  return `Simulated: ${stretches.join(", ")}, after 5 minutes of warming up; less than 24 h are scaled to a day.`;
}

function healthChecks(days: readonly SimulatedDay[]): string {
  return `${whole(days.reduce((total, day) => total + day.healthChecks, 0))} altogether`;
}

function alertsIn(days: readonly SimulatedDay[]): string {
  return `${(days.find(({ anAlert }) => anAlert !== null)?.anAlert?.alerts ?? 0) / 2}`;
}

function checksADay({ checks, simulatedHours }: SimulatedDay): number {
  return (checks * 24) / simulatedHours;
}

function aCheck(day: SimulatedDay, count: number): string {
  return day.checks === 0 ? "" : round(count / checksADay(day));
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

function usd(value: number): string {
  return `${value.toFixed(2)} USD`;
}

function round(value: number): string {
  return value >= 10 ? whole(value) : value.toFixed(3);
}

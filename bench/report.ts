import type { Machine } from "./machine.ts";
import type { Steady } from "./measure.ts";
import type { Summary } from "./summary.ts";

/** What a run has found. Times in milliseconds. */
export interface Figures {
  readonly machine: Machine;
  readonly monitors: number;
  readonly intervalSeconds: number;
  readonly steady: Steady;
  /** From a target's failing answer to the webhook's arrival. */
  readonly down: Summary;
  /** The same from the answer that says it is back. */
  readonly up: Summary;
  /** The floor, by turns with the two above. */
  readonly floor: Summary;
  /** The floor before Stillup was started. */
  readonly floorAlone: Summary;
}

interface Bar {
  readonly name: string;
  readonly value: number;
  readonly most: number;
}

export function bars({ steady, down, floor }: Figures): Bar[] {
  return [
    { name: "CPU ms a check", value: cpuMsPerCheck(steady), most: 1 },
    { name: "down p50 / floor p50", value: down.p50 / floor.p50, most: 1.5 },
    { name: "down p99 / floor p99", value: down.p99 / floor.p99, most: 2 },
  ];
}

/** One sentence for each bar that was not met. */
export function missedBars(figures: Figures): string[] {
  return bars(figures)
    .filter(({ value, most }) => !(value <= most))
    .map(({ name, value, most }) => `${name} is ${value.toFixed(2)}; the bar is ${most}.`);
}

/** A table: its head, then its rows. */
export type Cells = readonly (readonly string[])[];

/** All figures, for a terminal. */
export function table(figures: Figures): string {
  return [steadyCells(figures), latencyCells(figures), barCells(figures)].map(aligned).join("\n\n");
}

/** docs/benchmarks.md. */
export function markdown(figures: Figures): string {
  const { machine, monitors, intervalSeconds } = figures;
  return `# Benchmarks

Written by \`npm run bench\`, which needs a quiet machine, five minutes, Linux, and Postgres and Redis as for the tests.

Measured on ${machine.date}: ${machine.processor}, ${machine.memoryGb} GB, ${machine.system}, Node ${machine.node},
Postgres ${machine.postgres}, Redis ${machine.redis}, everything on this machine. Load before: ${machine.load.toFixed(2)}.

## Checks

${monitors} HTTP monitors every ${intervalSeconds} s, \`failureThreshold\` 1, in the four processes of the Compose file with their
defaults. Processor time of whole processes, over ${figures.steady.seconds} s in which nothing happens but checks; ${checksPerSecond(figures.steady).toFixed(1)} checks
a second. The targets answer 200 with 1 KB over plain HTTP. Postgres' and Redis' own time is not counted.

${piped(steadyCells(figures))}

## From a target's answer to the alert

All targets begin to fail, each with its next check, so alerts come as the checks come; then all recover the same way.
From just before the target writes the deciding answer to the webhook's last byte at the receiver. All processes read one
monotonic clock, which the run verifies.

The floor is what durability alone costs: a process adds an event to a Redis stream; a second reads it, inserts a row and
updates another in one statement, and adds it to a second stream; a third does the same and calls the webhook over a
fresh connection. Same Redis, same Postgres, same drivers, by turns with the alerts in one run, while Stillup's checks go
on, and at the same pace: each block of it repeats the moments of the answers in the block before. Its figures before
Stillup runs are at as many random moments. A machine drifts: only figures of one run compare.

${piped(latencyCells(figures))}

## Bars

${piped(barCells(figures))}

## Other monitors

Measured before, on another run and another machine (2 cores of an AMD EPYC virtual machine, Node 20.20, Postgres 15, Redis 7.0 without
persistence): 500 HTTP monitors at 20 s, no retries, from the failing answer to the webhook. The floor was 2.8 / 6.1 ms there,
at 50 events a second.

${piped(PEERS)}
`;
}

const PEERS: Cells = [
  ["", "CPU ms a check", "memory", "down p50 / p99 / max ms", "durability"],
  [
    "Uptime Kuma 2.5.3 (SQLite)",
    "6.8",
    "244 MB",
    "4.7 / 10.1 / 26.8",
    "sends before it stores: a crash between loses or repeats",
  ],
  ["Gatus 5.2 (Postgres; its CPU not counted)", "2.4", "33 MB", "3.9 / 6.9 / 8.7", "stores, then sends once"],
  ["Gatus 5.2 (memory, 200 monitors)", "1.1", "24 MB", "0.5 / 3.3 / 3.7", "none"],
];

function steadyCells({ steady }: Figures): Cells {
  const row = (name: string, cpuMs: number, mb: number) => [name, cpuMs.toFixed(2), `${mb.toFixed(0)} MB`];
  const { services } = steady;
  return [
    ["process", "CPU ms a check", "memory"],
    ...services.map(({ name, cpuMs, residentMb }) => row(name, cpuMs, residentMb)),
    row("all", cpuMsPerCheck(steady), sum(services.map(({ residentMb }) => residentMb))),
  ];
}

function latencyCells({ down, up, floor, floorAlone }: Figures): Cells {
  const row = (name: string, summary: Summary, base: Summary) => [
    name,
    `${summary.count}`,
    ...[summary.p50, summary.p99, summary.max].map((ms) => ms.toFixed(1)),
    (summary.p50 / base.p50).toFixed(2),
    (summary.p99 / base.p99).toFixed(2),
  ];
  return [
    ["", "count", "p50 ms", "p99 ms", "max ms", "p50 / floor", "p99 / floor"],
    row("monitor.down", down, floor),
    row("monitor.up", up, floor),
    row("floor, by turns with them", floor, floor),
    row("floor, before Stillup runs", floorAlone, floor),
  ];
}

function barCells(figures: Figures): Cells {
  return [
    ["", "measured", "at most", ""],
    ...bars(figures).map(({ name, value, most }) => [
      name,
      value.toFixed(2),
      `${most}`,
      value <= most ? "met" : "missed",
    ]),
  ];
}

function cpuMsPerCheck({ services }: Steady): number {
  return sum(services.map(({ cpuMs }) => cpuMs));
}

function checksPerSecond({ checks, seconds }: Steady): number {
  return checks / seconds;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

/** For Markdown. */
export function piped([head = [], ...rows]: Cells): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

/** For a terminal. */
export function aligned(cells: Cells): string {
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? [];
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

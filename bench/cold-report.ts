import type { Machine } from "./machine.ts";
import { aligned, type Cells, piped } from "./report.ts";

/** What a route adds to an empty function's start, in milliseconds: the median of so many pairs, and their range. */
export interface ColdStart {
  readonly host: string;
  readonly route: string;
  readonly isQuery: boolean;
  /** An empty function's start. */
  readonly emptyMs: number;
  readonly addedMs: number;
  readonly minMs: number;
  readonly maxMs: number;
}

export interface ColdFigures {
  readonly machine: Machine;
  readonly runs: number;
  readonly starts: readonly ColdStart[];
}

const MAX_MS = 60;
const MAX_WITH_QUERY_MS = 110;
const SECTION = /(<!-- cold -->\n)[\s\S]*?(<!-- \/cold -->)/;

/** From a function's times and an empty function's, measured by turns. */
export function coldStart(name: Pick<ColdStart, "host" | "route" | "isQuery">, times: readonly Pair[]): ColdStart {
  const added = times.map(({ emptyMs, routeMs }) => routeMs - emptyMs);
  return {
    ...name,
    emptyMs: median(times.map(({ emptyMs }) => emptyMs)),
    addedMs: median(added),
    minMs: Math.min(...added),
    maxMs: Math.max(...added),
  };
}

export interface Pair {
  readonly emptyMs: number;
  readonly routeMs: number;
}

/** One sentence for each bar that was not met. */
export function missedColdBars({ starts }: ColdFigures): string[] {
  return starts
    .filter((start) => !(start.addedMs < barOf(start)))
    .map(
      (start) =>
        `${start.route} on ${start.host} adds ${start.addedMs.toFixed(1)} ms; it should be under ${barOf(start)}.`,
    );
}

/** All figures, for a terminal. */
export function coldTable(figures: ColdFigures): string {
  return aligned(cells(figures));
}

/** docs/deploying.md with these figures. Throws when it has no place for them. */
export function withColdSection(document: string, figures: ColdFigures): string {
  if (!SECTION.test(document)) throw new Error("docs/deploying.md has no <!-- cold --> and <!-- /cold -->.");
  return document.replace(SECTION, (_, begin: string, end: string) => `${begin}${section(figures)}${end}`);
}

function section(figures: ColdFigures): string {
  const { machine, runs } = figures;
  return `Written by \`npm run bench:cold\`, which ends with 1 when a bar is missed. Measured on ${machine.date}: ${machine.processor},
${machine.memoryGb} GB, ${machine.system}, Node ${machine.node}, Postgres ${machine.postgres}. Load before: ${machine.load.toFixed(2)}.

${piped(cells(figures))}

From the start of a process to its first answer, beside that of an empty function, by turns: the median of ${runs} differences,
and their range. On the hosts' own runtimes: Lambda's runtime client, workerd, and Node with nothing around the handler.
The database is Neon's emulator over TLS on the same machine, so a query's way there is not among it.
`;
}

function cells({ starts }: ColdFigures): Cells {
  return [
    ["host", "route", "empty ms", "adds ms", "range", "at most", ""],
    ...starts.map((start) => [
      start.host,
      start.route,
      start.emptyMs.toFixed(0),
      start.addedMs.toFixed(1),
      `${start.minMs.toFixed(0)} to ${start.maxMs.toFixed(0)}`,
      `${barOf(start)}`,
      start.addedMs < barOf(start) ? "met" : "missed",
    ]),
  ];
}

function barOf({ isQuery }: Pick<ColdStart, "isQuery">): number {
  return isQuery ? MAX_WITH_QUERY_MS : MAX_MS;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

import { aligned, type Cells, piped } from "../../bench/report.ts";
import type { ModeFigures } from "./figures.ts";
import { complaints } from "./judge.ts";
import type { Machine } from "./machine.ts";

export interface Figures {
  readonly machine: Machine;
  readonly minutes: number;
  readonly seed: number;
  readonly modes: readonly ModeFigures[];
}

/** What speaks against the run; none when it passed. */
export function failures({ modes }: Figures): string[] {
  return modes.flatMap(({ mode, verdict }) => complaints(verdict).map((complaint) => `${mode}: ${complaint}`));
}

/** All figures, for a terminal. */
export function table(figures: Figures): string {
  return [faultCells(figures), outcomeCells(figures)].map(aligned).join("\n\n");
}

/** docs/reliability.md. */
export function markdown(figures: Figures): string {
  const { machine, minutes, seed, modes } = figures;
  const faults = total(figures, ({ faultCount }) => faultCount);
  const failed = failures(figures);
  return `# Reliability

Written by \`npm run chaos\`, which needs Docker with Compose. It starts the stack of docker-compose.yml, then that of
docker-compose.external.yml with emulators for Neon and Upstash, breaks each for ${minutes} minutes, fixes everything, waits until
nothing is left to be told, and compares.

Run on ${machine.date} at ${machine.commit ?? "an unknown commit"} with \`--minutes ${minutes} --seed ${seed}\`: ${machine.processor}, ${machine.memoryGb} GB,
${machine.system}, Docker ${machine.docker}, Compose ${machine.compose}, ${modes.map(({ mode, postgres, redis }) => `${mode}: Postgres ${postgres}, Redis ${redis}`).join("; ")}.
The seed decides the order of the faults and what the targets do. The exact moment of each fault depends on the machine, so
another run with the same seed differs in that.

## Outcome

${failed.length === 0 ? passed(faults) : failed.map((failure) => `- ${failure}`).join("\n")}

${piped(outcomeCells(figures))}

- *Changes of status*: each turn of a target, held against \`status_changes\`. A target turns again when its change is
  stored, because an outage that no check saw is none that could be told. Lost: not stored within five minutes. Invented:
  stored although the target had not changed, or before it changed.
- *Alerts*: each change to each of its two receivers, and each change of connectivity to one, as the receivers' own ledger has it.
  Lost: never taken. Invented: of no turn, or before it. Doubled: one event, or one incident's beginning or end, under two
  ids. Out of order: a monitor's alerts otherwise than its target turned.
- *Sent again*: webhooks that came again, with the same id, after they had been answered with 2xx. Each needs a fault
  between the response and its recording. The upper limit counts the responses that such a fault could hit; each may cause one
  more: responses in the second before a notification worker was killed, frozen or disconnected; responses while the database
  or the network to it was broken, and 3 s longer; and responses that the receiver began with 2xx and did not finish.
- *Time to notify*: from the change of a target to the arrival at the receiver that accepts everything. It includes the wait for
  the next check (5 s), the second check where the threshold is 2, and every fault on the way.
- *Recovery*: from the fixing of a fault to the next alert at that receiver, whatever else was broken by then.

## What was injected

${piped(faultCells(figures))}

A fault counts when it was really injected: a container that ran was hit; what a receiver or a emulator was told to do wrong
met a request. A worker that checks and is cut off the network fails its checks in earnest, and cannot reach the run's
connectivity target either: that is told as \`system.offline\`, and must not be told as an outage.
30 monitors, checked every 5 s, whose targets take 0.2 s to answer; one in five with a failure threshold of 2, another one
in five with a recovery threshold of 2; two receivers each, one that takes everything and one of four that misbehave.
`;
}

function faultCells({ modes }: Figures): Cells {
  const kinds = [...new Set(modes.flatMap(({ faults }) => Object.keys(faults)))].sort();
  const row = (name: string, counts: readonly number[]) => [name, ...counts.map((count) => `${count}`)];
  return [
    ["fault", ...modes.map(({ mode }) => mode)],
    ...kinds.map((kind) =>
      row(
        kind,
        modes.map(({ faults }) => faults[kind] ?? 0),
      ),
    ),
    row(
      "all",
      modes.map(({ faultCount }) => faultCount),
    ),
  ];
}

function outcomeCells({ modes }: Figures): Cells {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const row = (name: string, cell: (of: ModeFigures) => string | number) => [name, ...modes.map((of) => `${cell(of)}`)];
  return [
    ["", ...modes.map(({ mode }) => mode)],
    row("faults", ({ faultCount }) => faultCount),
    row("faults that could not be injected", ({ notInjected }) => notInjected),
    row("changes of status", ({ verdict }) => verdict.changes.expected),
    row("changes lost", ({ verdict }) => verdict.changes.lost),
    row("changes invented", ({ verdict }) => verdict.changes.invented),
    row("alerts expected", ({ verdict }) => verdict.alerts.expected),
    row("alerts lost", ({ verdict }) => verdict.alerts.lost),
    row("alerts duplicated", ({ verdict }) => verdict.alerts.doubled),
    row("alerts invented", ({ verdict }) => verdict.alerts.invented),
    row("alerts out of order", ({ verdict }) => verdict.alerts.outOfOrder),
    row("incidents wrong", ({ verdict }) => verdict.wrongIncidents),
    row("offline, and notified", ({ verdict }) => verdict.offline.spells),
    row("deliveries not delivered", ({ verdict }) => verdict.unfinished),
    row("dead letters", ({ verdict }) => verdict.deadLetters),
    row("webhooks", ({ webhooks }) => webhooks),
    row("sent again after it was accepted", ({ verdict }) => verdict.extra.posts),
    row("its bound", ({ verdict }) => verdict.extra.bound),
    row("faults that can be the cause", ({ verdict }) => verdict.extra.causes),
    row("sent again without a fault", ({ verdict }) => verdict.extra.unexplained),
    row("time to notify, p50", ({ notified }) => seconds(notified.p50)),
    row("time to notify, p99", ({ notified }) => seconds(notified.p99)),
    row("time to notify, longest", ({ notified }) => seconds(notified.max)),
    row("recovery, longest", ({ longestRecoveryMs }) => seconds(longestRecoveryMs)),
    row("last alert after the last fault", ({ settledMs }) => seconds(settledMs)),
  ];
}

function passed(faults: number): string {
  return `Nothing was lost and nothing was duplicated under ${faults} faults.

${faults} faults, none of which lost or duplicated an alert. If faults are independent, this shows at 95 % confidence that fewer than
${percent(3 / faults)} of such faults do (3 / N). They are not fully independent: up to four parts were broken at the same time.`;
}

function total({ modes }: Figures, count: (of: ModeFigures) => number): number {
  return modes.reduce((sum, of) => sum + count(of), 0);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

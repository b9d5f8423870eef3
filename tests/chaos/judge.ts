import type { Fault, Post, Turn } from "./story.ts";

/** What Postgres holds at the end. */
export interface Stored {
  /** Changes of status after a monitor was first up, in the order of their versions; `unknown` among them. */
  readonly changes: readonly { readonly monitorId: string; readonly version: number; readonly status: string }[];
  readonly deliveries: readonly { readonly id: string; readonly eventId: string; readonly status: string }[];
  readonly incidents: readonly { readonly monitorId: string; readonly resolution: string | null }[];
  /** What was to be told of Stillup's own sight to the one receiver that hears it, in its order. */
  readonly sight: readonly string[];
  /** Messages that no try could handle. */
  readonly setApart: number;
}

export interface Evidence {
  /** Monitors and who is to be told of each. */
  readonly told: ReadonlyMap<string, readonly string[]>;
  /** Who is to be told of Stillup itself. */
  readonly systemReceiver: string;
  readonly turns: readonly Turn[];
  readonly stored: Stored;
  readonly ledger: readonly Post[];
  readonly faults: readonly Fault[];
}

export interface Verdict {
  /** Turns of targets, and the changes of status that came of them. */
  readonly changes: { readonly expected: number; readonly lost: number; readonly invented: number };
  /** A change to one receiver each. Doubled: one event or incident under two ids. */
  readonly alerts: {
    readonly expected: number;
    readonly lost: number;
    readonly doubled: number;
    readonly invented: number;
    readonly outOfOrder: number;
  };
  /**
   * Webhooks that came again, with the same id, after they had been taken. The bound is how many were taken while a
   * fault could come between the answer and its recording: each may cost one more.
   */
  readonly extra: {
    readonly posts: number;
    readonly bound: number;
    readonly unexplained: number;
    /** Faults, and answers that a receiver did not end, that can come between. */
    readonly causes: number;
  };
  /** Incidents that are not there, are there too often, or are open while their target is up, or the other way round. */
  readonly wrongIncidents: number;
  /** How often Stillup was blind; whether it was told otherwise than by turns, or is told to be so still. */
  readonly blind: { readonly spells: number; readonly wrong: number };
  /** Deliveries that did not end as delivered, and messages set apart. */
  readonly unfinished: number;
  readonly setApart: number;
}

/** An answer is recorded at once. After a fault of its own the database needs a moment to be reached again. */
const RECORDED_WITHIN_MS = 1000;
const REACHED_WITHIN_MS = 3000;

export function judge({ told, systemReceiver, turns, stored, ledger, faults }: Evidence): Verdict {
  const eventIds = new Map(stored.deliveries.map(({ id, eventId }) => [id, eventId]));
  const monitors = [...told].map(([monitorId, receivers]) => {
    const of = <T extends { readonly monitorId: string }>(list: readonly T[]) =>
      list.filter((each) => each.monitorId === monitorId);
    const seen = of(turns).filter(({ noticed }) => noticed);
    const posts = of(ledger);
    return {
      changes: judgeChanges(of(turns), of(stored.changes)),
      alerts: receivers.map((name) =>
        judgeAlerts(
          seen.map(({ status }) => `monitor.${status}`),
          posts.filter(({ receiver }) => receiver === name),
          eventIds,
        ),
      ),
      wrongIncidents: judgeIncidents(seen, of(stored.incidents)),
    };
  });
  const changes = monitors.map((monitor) => monitor.changes);
  const ofSystem = ledger.filter(({ monitorId, receiver }) => monitorId === "system" && receiver === systemReceiver);
  const alerts = [...monitors.flatMap((monitor) => monitor.alerts), judgeAlerts(stored.sight, ofSystem, eventIds)];
  return {
    changes: { expected: turns.length, lost: sum(changes, "lost"), invented: sum(changes, "invented") },
    alerts: {
      expected: sum(alerts, "expected"),
      lost: sum(alerts, "lost"),
      doubled: sum(alerts, "doubled"),
      invented: sum(alerts, "invented"),
      outOfOrder: sum(alerts, "outOfOrder"),
    },
    extra: judgeExtra(ledger, faults),
    wrongIncidents: sum(monitors, "wrongIncidents"),
    blind: { spells: stored.sight.filter((type) => type === "system.blind").length, wrong: judgeSight(stored.sight) },
    unfinished: stored.deliveries.filter(({ status }) => status !== "delivered").length,
    setApart: stored.setApart,
  };
}

/** What speaks against the run, a sentence each; none when it passed. */
export function complaints({ changes, alerts, extra, wrongIncidents, blind, unfinished, setApart }: Verdict): string[] {
  const counts: readonly (readonly [number, string])[] = [
    [changes.lost, "changes of status were lost"],
    [changes.invented, "changes of status were invented"],
    [alerts.lost, "alerts were lost"],
    [alerts.doubled, "alerts were doubled"],
    [alerts.invented, "alerts were invented"],
    [alerts.outOfOrder, "alerts came out of order"],
    [extra.unexplained, "webhooks came again without a fault that explains it"],
    [wrongIncidents, "incidents are wrong"],
    [blind.wrong, "changes of sight are wrong"],
    [unfinished, "deliveries did not end as delivered"],
    [setApart, "messages were set apart"],
  ];
  return counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}.`);
}

function judgeChanges(turns: readonly Turn[], stored: Stored["changes"]) {
  const noticed = turns.filter((turn) => turn.noticed).length;
  let before = "up";
  let told = 0;
  for (const { status } of stored) {
    if (status === "unknown" || status === before) continue;
    before = status;
    told += 1;
  }
  return {
    lost: turns.length - noticed + Math.max(0, noticed - told),
    invented: Math.max(0, told - noticed),
  };
}

/** One receiver's alerts of one monitor. */
function judgeAlerts(expected: readonly string[], posts: readonly Post[], eventIds: ReadonlyMap<string, string>) {
  const taken = firstTaken(posts);
  const types = taken.map(({ type }) => type);
  const events = new Set(taken.map(({ id }) => eventIds.get(id) ?? `no event of ${id}`));
  const spells = new Set(taken.map(({ spell, type }) => `${type} ${spell}`));
  const distinct = Math.min(events.size, spells.size);
  return {
    expected: expected.length,
    lost: Math.max(0, expected.length - distinct),
    doubled: taken.length - distinct,
    invented: Math.max(0, distinct - expected.length),
    outOfOrder: types.filter((type, index) => index < expected.length && type !== expected[index]).length,
  };
}

/** The post with which each id was first taken, in their order. */
export function firstTaken(posts: readonly Post[]): Post[] {
  const first = new Map<string, Post>();
  for (const post of posts) {
    if (post.takenAtMs !== null && !first.has(post.id)) first.set(post.id, post);
  }
  return [...first.values()];
}

function judgeExtra(ledger: readonly Post[], faults: readonly Fault[]): Verdict["extra"] {
  const windows = faults.flatMap(breakingWindow);
  const isExplained = ({ atMs, takenAtMs, manner }: Post) =>
    manner !== null ||
    windows.some(({ fromMs, untilMs }) => fromMs < (takenAtMs ?? atMs) + RECORDED_WITHIN_MS && atMs < untilMs);
  const lastTaken = new Map<string, Post>();
  let posts = 0;
  let unexplained = 0;
  for (const post of ledger) {
    const before = lastTaken.get(post.id);
    if (before !== undefined) {
      posts += 1;
      if (!isExplained(before)) unexplained += 1;
    }
    if (post.takenAtMs !== null) lastTaken.set(post.id, post);
  }
  const bound = ledger.filter((post) => post.takenAtMs !== null && isExplained(post)).length;
  const unended = ledger.filter(({ takenAtMs, manner }) => takenAtMs !== null && manner !== null).length;
  return { posts, bound, unexplained, causes: windows.length + unended };
}

/** When answers may go without being recorded because of a fault. */
function breakingWindow({ breaksRecording, beganMs, struckMs, endedMs }: Fault) {
  if (breaksRecording === "never") return [];
  return [{ fromMs: beganMs, untilMs: breaksRecording === "at-once" ? struckMs : endedMs + REACHED_WITHIN_MS }];
}

function judgeSight(types: readonly string[]): number {
  const wrong = types.filter((type, index) => type !== (index % 2 === 0 ? "system.blind" : "system.sighted")).length;
  return wrong + (types.length % 2);
}

function judgeIncidents(seen: readonly Turn[], incidents: Stored["incidents"]): number {
  const downs = seen.filter(({ status }) => status === "down").length;
  const ups = seen.length - downs;
  const recovered = incidents.filter(({ resolution }) => resolution === "recovered").length;
  return Math.max(Math.abs(incidents.length - downs), Math.abs(recovered - ups));
}

function sum<K extends string>(list: readonly { readonly [key in K]: number }[], key: K): number {
  return list.reduce((total, each) => total + each[key], 0);
}

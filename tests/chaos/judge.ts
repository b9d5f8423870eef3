import type { Fault, Post, Turn } from "./story.ts";

/** What Postgres holds at the end. */
export interface Stored {
  /** Changes of status after a monitor was first up, in the order of their versions; `unknown` among them. */
  readonly changes: readonly Change[];
  readonly deliveries: readonly { readonly id: string; readonly eventId: string; readonly status: string }[];
  readonly incidents: readonly { readonly monitorId: string; readonly resolution: string | null }[];
  /** What was to be told of Stillup's own connectivity to the one receiver that hears it, in its order. */
  readonly connectivity: readonly string[];
  /** How often the row on which connectivity is decided changed; being offline comes first. */
  readonly connectivityChanges: number;
  /** Checks of which nothing is known. */
  readonly unknownChecks: number;
  /** Messages that no try could handle. */
  readonly deadLetters: number;
}

export interface Change {
  readonly monitorId: string;
  readonly version: number;
  readonly status: string;
  /** When it was decided, by `nowMs()`: up to a second late, never early. */
  readonly atMs: number;
}

export interface Evidence {
  /** The receivers of each monitor. */
  readonly receiversOf: ReadonlyMap<string, readonly string[]>;
  /** The receiver of system alerts. */
  readonly systemReceiver: string;
  readonly turns: readonly Turn[];
  readonly stored: Stored;
  readonly ledger: readonly Post[];
  readonly faults: readonly Fault[];
}

export interface Verdict {
  /** How much there was to judge: a run without any of it shows nothing. */
  readonly faults: number;
  readonly webhooks: number;
  /** Semaphore of targets, and the changes of status that came of them. Lost: a turn without one. Invented: one without a turn. */
  readonly changes: { readonly expected: number; readonly lost: number; readonly invented: number };
  /** A change to one receiver each; no turn's alert comes before it. Doubled: one event or incident under two ids. */
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
  /** How often Stillup was offline; whether it was told otherwise than by turns, or is told to be so still. */
  readonly offline: { readonly spells: number; readonly wrong: number };
  /** Deliveries that did not end as delivered, and dead letters. */
  readonly unfinished: number;
  readonly deadLetters: number;
}

/** An answer is recorded at once. After a fault of its own the database needs a moment to be reached again. */
const RECORDED_WITHIN_MS = 1000;
const REACHED_WITHIN_MS = 3000;

export function judge({ receiversOf, systemReceiver, turns, stored, ledger, faults }: Evidence): Verdict {
  const eventIds = new Map(stored.deliveries.map(({ id, eventId }) => [id, eventId]));
  const monitors = [...receiversOf].map(([monitorId, receivers]) => {
    const of = <T extends { readonly monitorId: string }>(list: readonly T[]) =>
      list.filter((each) => each.monitorId === monitorId);
    const seen = of(turns).filter(({ noticed }) => noticed);
    const posts = of(ledger);
    return {
      changes: judgeChanges(of(turns), of(stored.changes)),
      alerts: receivers.map((name) =>
        judgeAlerts(
          seen.map(({ status, atMs }) => ({ type: `monitor.${status}`, atMs })),
          posts.filter(({ receiver }) => receiver === name),
          eventIds,
        ),
      ),
      wrongIncidents: judgeIncidents(seen, of(stored.incidents)),
    };
  });
  const changes = monitors.map((monitor) => monitor.changes);
  const ofSystem = ledger.filter(({ monitorId, receiver }) => monitorId === "system" && receiver === systemReceiver);
  const alerts = [
    ...monitors.flatMap((monitor) => monitor.alerts),
    judgeAlerts(connectivityOf(stored), ofSystem, eventIds),
  ];
  return {
    faults: faults.length,
    webhooks: ledger.length,
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
    offline: {
      spells: stored.connectivity.filter((type) => type === "system.offline").length,
      wrong: judgeConnectivity(stored),
    },
    unfinished: stored.deliveries.filter(({ status }) => status !== "delivered").length,
    deadLetters: stored.deadLetters,
  };
}

/** What speaks against the run, a sentence each; none when it passed. */
export function complaints({ changes, alerts, extra, offline, ...verdict }: Verdict): string[] {
  const needed: readonly (readonly [number, string])[] = [
    [verdict.faults, "No fault was injected."],
    [changes.expected, "No target turned."],
    [verdict.webhooks, "No webhook came."],
  ];
  const counts: readonly (readonly [number, string])[] = [
    [changes.lost, "changes of status were lost"],
    [changes.invented, "changes of status were invented"],
    [alerts.lost, "alerts were lost"],
    [alerts.doubled, "alerts were doubled"],
    [alerts.invented, "alerts were invented"],
    [alerts.outOfOrder, "alerts came out of order"],
    [extra.unexplained, "webhooks came again without a fault that explains it"],
    [verdict.wrongIncidents, "incidents are wrong"],
    [offline.wrong, "changes of connectivity are wrong"],
    [verdict.unfinished, "deliveries did not end as delivered"],
    [verdict.deadLetters, "dead letters were made"],
  ];
  return [
    ...needed.filter(([count]) => count === 0).map(([, what]) => what),
    ...counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}.`),
  ];
}

/** What is to be seen of a turn, or was seen: a status or an alert's type. */
interface Sign {
  readonly type: string;
  readonly atMs: number;
}

/** For each that is expected the place of the first of its type that is not earlier and no other's; -1 without one. */
function match(expected: readonly Sign[], found: readonly Sign[]): number[] {
  const taken = new Set<number>();
  return expected.map(({ type, atMs }) => {
    const place = found.findIndex((sign, index) => !taken.has(index) && sign.type === type && sign.atMs >= atMs);
    taken.add(place);
    return place;
  });
}

function judgeChanges(turns: readonly Turn[], stored: Stored["changes"]) {
  const changes: Sign[] = [];
  for (const { status, atMs } of stored) {
    const before = changes.at(-1)?.type ?? "up";
    if (status !== "unknown" && status !== before) changes.push({ type: status, atMs });
  }
  const places = match(
    turns.map(({ status, atMs }) => ({ type: status, atMs })),
    changes,
  );
  const isLost = ({ noticed }: Turn, index: number) => !noticed || places[index] === -1;
  return {
    lost: turns.filter(isLost).length,
    invented: changes.length - places.filter((place) => place >= 0).length,
  };
}

/** One receiver's alerts of one monitor. */
function judgeAlerts(expected: readonly Sign[], posts: readonly Post[], eventIds: ReadonlyMap<string, string>) {
  const taken = firstTaken(posts);
  const known = new Set<string>();
  const distinct = taken.filter(({ id, spell, type }) => {
    const names = [eventIds.get(id) ?? `no event of ${id}`, `${type} ${spell}`];
    const isNew = names.every((name) => !known.has(name));
    for (const name of names) known.add(name);
    return isNew;
  });
  // What was refused at first was told no later for that.
  const cameMs = (id: string) => posts.find((post) => post.id === id)?.atMs ?? Number.NaN;
  const places = match(
    expected,
    distinct.map(({ id, type }) => ({ type, atMs: cameMs(id) })),
  );
  const found = places.filter((place) => place >= 0);
  return {
    expected: expected.length,
    lost: expected.length - found.length,
    doubled: taken.length - distinct.length,
    invented: distinct.length - found.length,
    outOfOrder: found.filter((place, index) => place < (found[index - 1] ?? 0)).length,
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

/** What is to be told of connectivity: that it went, that it came back, and so on. */
function connectivityOf({ connectivityChanges }: Pick<Stored, "connectivityChanges">): Sign[] {
  return Array.from({ length: connectivityChanges }, (_, index) => ({
    type: index % 2 === 0 ? "system.offline" : "system.online",
    atMs: 0, // no turn of the script's says when
  }));
}

function judgeConnectivity({ connectivity, connectivityChanges, changes, unknownChecks }: Stored): number {
  const expected = connectivityOf({ connectivityChanges }).map(({ type }) => type);
  const wrong = connectivity.filter((type, index) => type !== expected[index]).length;
  const wasOffline = unknownChecks > 0 || changes.some(({ status }) => status === "unknown");
  const notNotified =
    Math.max(0, connectivityChanges - connectivity.length) + (wasOffline && connectivity.length === 0 ? 1 : 0);
  return wrong + notNotified + (connectivityChanges % 2);
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

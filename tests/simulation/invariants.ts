import type { Post } from "./ledger.ts";
import type { Noted } from "./model.ts";
import { Eligibility, type Epoch, type Event, incidentsOf, type MonitorModel, monitorModels } from "./model.ts";
import type { World } from "./world.ts";

/** What must hold at the end of every run. */
export const invariants = [
  "A status is what its stored results make it",
  "A result of what is not checked any more is not stored",
  "A result counts once",
  "A stored result is what the target answered, dated when it did",
  "Each incident agrees with the changes it is about",
  "Every confirmed change is told on every channel that it is for",
  "Nothing is told that did not happen, or that nobody is to hear",
  "A monitor's events come to a channel in their order",
  "An event has one webhook-id, and no two have the same",
  "An alert comes twice only where a fault came between its answer and its recording",
  "Nothing is left to be handled, delivered or acked",
  "Monitors end up as their targets are",
  "Only what cannot be read is set apart, and nothing of it is lost",
  "A write that the database took is not refused",
  "Nothing fails that no fault excuses",
] as const;
export type Invariant = (typeof invariants)[number];

export interface Violation {
  readonly invariant: Invariant;
  readonly what: string;
}

/** Statements carried out late date a result late: a database's answer takes at most so long. */
const DATED_WITHIN_MS = 6000;
interface Told {
  readonly id: string;
  readonly channelId: string;
  readonly monitorId: string;
  readonly version: number;
  readonly type: string;
  readonly status: string;
}

interface Found {
  readonly journal: Noted[];
  readonly monitors: { id: string; status: string; unhandled: number; incident: boolean }[];
  readonly statuses: { monitorId: string; version: number; status: string; at: string }[];
  readonly incidents: FoundIncident[];
  readonly deliveries: Told[];
  readonly setApart: string[];
}

interface FoundIncident {
  readonly id: string;
  readonly monitorId: string;
  readonly startedAt: string;
  readonly confirmedAt: string;
  readonly resolvedAt: string | null;
  readonly resolution: string | null;
}

/** Holds what a finished run left against the model. */
export async function violationsOf(world: World): Promise<Violation[]> {
  const found = await read(world);
  const check = new Check(world, found);
  return [
    ...check.all(),
    ...(await stuck(world)),
    ...world.bugs.map((what) => violation("Nothing fails that no fault excuses", what)),
  ];
}

function violation(invariant: Invariant, what: string): Violation {
  return { invariant, what };
}

async function read({ database, timeline }: World): Promise<Found> {
  const [[row] = []] = await database.carryOut(timeline.now, [{ text: READ, values: [] }]);
  return row?.["found"] as Found; // what READ selects
}

const READ = `
  select jsonb_build_object(
    'journal', (select coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'id', id, 'at', iso(at), 'what', what) order by n), '[]')
      from simulation.journal),
    'monitors', (select coalesce(jsonb_agg(jsonb_build_object('id', id, 'status', status,
      'unhandled', jsonb_array_length(unhandled), 'incident', incident is not null)), '[]') from monitors),
    'statuses', (select coalesce(jsonb_agg(jsonb_build_object('monitorId', monitor_id, 'version', version, 'status', status,
      'at', iso(at)) order by version), '[]') from status_changes),
    'incidents', (select coalesce(jsonb_agg(jsonb_build_object('id', id, 'monitorId', monitor_id, 'startedAt', iso(started_at),
      'confirmedAt', iso(confirmed_at), 'resolvedAt', iso(resolved_at), 'resolution', resolution)
      order by split_part(id, '_', 3)::int), '[]') from incidents),
    'deliveries', (select coalesce(jsonb_agg(jsonb_build_object('id', id, 'channelId', channel_id, 'monitorId', monitor_id,
      'version', version, 'type', type, 'status', status) order by version), '[]') from deliveries),
    'setApart', (select coalesce(jsonb_agg(body), '[]') from set_apart)
  ) as found`;

async function stuck({ services }: World): Promise<Violation[]> {
  if (await services.isEmpty()) return [];
  return [violation("Nothing is left to be handled, delivered or acked", "entries are left in the streams")];
}

class Check {
  readonly #world: World;
  readonly #found: Found;
  readonly #violations: Violation[] = [];
  readonly #eligibility: Eligibility;
  readonly #models: MonitorModel[];

  constructor(world: World, found: Found) {
    this.#world = world;
    this.#found = found;
    this.#eligibility = new Eligibility(found.journal);
    this.#models = monitorModels(found.journal, (probe) => world.outside.probes[probe]?.url ?? "nothing");
  }

  all(): Violation[] {
    this.#results();
    for (const model of this.#models) this.#monitor(model);
    this.#left();
    this.#posts();
    this.#setApart();
    return this.#violations;
  }

  #expect(invariant: Invariant, holds: boolean, what: () => string): void {
    if (!holds) this.#violations.push(violation(invariant, what()));
  }

  #results(): void {
    const seen = new Set<number>();
    for (const { kind, what } of this.#found.journal) {
      if (kind !== "check") continue;
      const { probe, outcome, at } = what as { probe: number; outcome: string; at: string };
      this.#expect("A result counts once", !seen.has(probe), () => `probe ${probe} was stored again at ${at}`);
      seen.add(probe);
      const made = this.#world.outside.probes[probe];
      const lateMs = Date.parse(at) - (made?.calledAtMs ?? 0);
      this.#expect(
        "A stored result is what the target answered, dated when it did",
        made !== undefined && made.outcome === outcome && lateMs > -2 && lateMs < DATED_WITHIN_MS,
        () => `probe ${probe}: ${outcome} at ${at}, but it was ${JSON.stringify(made)}`,
      );
    }
  }

  #monitor(model: MonitorModel): void {
    const { id } = model;
    const row = this.#found.monitors.find((each) => each.id === id);
    const statuses = this.#found.statuses
      .filter((each) => each.monitorId === id)
      .map(({ version, status, at }) => ({ version, status, at }));
    this.#expect(
      "A status is what its stored results make it",
      same(statuses, model.statuses) && row?.status === model.status,
      () => `${id} was ${JSON.stringify(statuses)}, should be ${JSON.stringify(model.statuses)}`,
    );
    for (const wrong of model.wrong) {
      this.#expect("A result of what is not checked any more is not stored", false, () => `${id}: ${wrong}`);
    }
    const isSettled =
      model.deleted || model.status === "paused" || model.status === this.#world.outside.truthOf(model.url);
    this.#expect(
      "Monitors end up as their targets are",
      isSettled,
      () => `${id} is ${model.status}: ${this.#world.outside.truthOf(model.url)}`,
    );
    for (const epoch of model.epochs) this.#epoch(model, epoch);
    this.#noMore(model);
  }

  /** Of what was to be told when a monitor was paused or deleted nobody knows how much was told already: any beginning. */
  #epoch(model: MonitorModel, epoch: Epoch): void {
    const fewest = epoch.end === null ? epoch.events.length : 0;
    let nearest: Violation[] | undefined;
    for (let handled = epoch.events.length; handled >= fewest; handled--) {
      const wrong = [...this.#incidents(model, epoch, handled), ...this.#told(model, epoch, handled)];
      if (wrong.length === 0) return;
      if (nearest === undefined || wrong.length < nearest.length) nearest = wrong;
    }
    this.#violations.push(...(nearest ?? []));
  }

  #incidents({ id }: MonitorModel, epoch: Epoch, handled: number): Violation[] {
    const versions = new Set(epoch.events.map((event) => event.version));
    const is = this.#found.incidents.filter((each) => each.monitorId === id && versions.has(versionOf(each.id)));
    const should = incidentsOf(epoch, handled);
    const agrees = (each: FoundIncident, at: number) => {
      const expected = should[at];
      if (expected === undefined) return false;
      const isManual = each.resolution === "manual" && this.#wasResolved(each);
      const { startedAt, confirmedAt } = each;
      return (
        same({ startedAt, confirmedAt }, { startedAt: expected.startedAt, confirmedAt: expected.confirmedAt }) &&
        (isManual || (each.resolution === expected.resolution && each.resolvedAt === expected.resolvedAt))
      );
    };
    if (is.length === should.length && is.every(agrees)) return [];
    const what = `${id} has ${JSON.stringify(is)}, should have ${JSON.stringify(should)}`;
    return [violation("Each incident agrees with the changes it is about", what)];
  }

  #wasResolved({ id, resolvedAt }: FoundIncident): boolean {
    return this.#found.journal.some((noted) => noted.kind === "resolved" && noted.id === id && noted.at === resolvedAt);
  }

  #told(model: MonitorModel, epoch: Epoch, handled: number): Violation[] {
    const wrong: Violation[] = [];
    epoch.events.forEach((event, at) => {
      for (const [channelId, url] of this.#eligibility.urls) {
        const should = at < handled ? this.#eligibility.of(model.id, channelId, event.notedAt) : "never";
        const posts = this.#postsOf(event).filter((post) => post.channelUrl === url);
        const planned = this.#found.deliveries.some(
          (each) => each.channelId === channelId && each.monitorId === model.id && each.version === event.version,
        );
        const name = `${model.id} version ${event.version} (${event.type}) on ${url}`;
        const isLastWord = epoch.end !== null && event.type === "down" && at === epoch.events.length - 1;
        const mayBeCancelled = model.deleted || isLastWord || !this.#eligibility.staysOpen(channelId, event.notedAt);
        if (should === "must" && !mayBeCancelled && !posts.some((post) => post.taken)) {
          wrong.push(
            violation("Every confirmed change is told on every channel that it is for", `${name} was not told`),
          );
        }
        if (should === "must" && !planned) {
          wrong.push(
            violation("Every confirmed change is told on every channel that it is for", `${name} was not planned`),
          );
        }
        if (should === "never" && (posts.length > 0 || planned)) {
          wrong.push(violation("Nothing is told that did not happen, or that nobody is to hear", `${name} was told`));
        }
      }
    });
    return wrong;
  }

  /** What was told or kept of a monitor beyond the model's events. */
  #noMore(model: MonitorModel): void {
    const events = model.epochs.flatMap((epoch) => epoch.events);
    const versions = new Set(events.map((event) => event.version));
    for (const { id, monitorId, version } of this.#found.deliveries) {
      const isKnown = monitorId !== model.id || versions.has(version);
      this.#expect(
        "Nothing is told that did not happen, or that nobody is to hear",
        isKnown,
        () => `${id} is of no event`,
      );
    }
    for (const { id, monitorId } of this.#found.incidents) {
      const isKnown = monitorId !== model.id || versions.has(versionOf(id));
      this.#expect("Each incident agrees with the changes it is about", isKnown, () => `${id} is of no change`);
    }
  }

  #postsOf({ probe, type }: Event): Post[] {
    return this.#world.ledger.posts.filter((post) => post.probe === probe && post.type === `monitor.${type}`);
  }

  #left(): void {
    const invariant = "Nothing is left to be handled, delivered or acked";
    for (const { id, unhandled } of this.#found.monitors) {
      this.#expect(invariant, unhandled === 0, () => `${id} has ${unhandled} unhandled changes`);
    }
    for (const { id, status } of this.#found.deliveries) {
      this.#expect(invariant, status === "delivered" || status === "cancelled", () => `${id} is ${status}`);
    }
  }

  #posts(): void {
    const events = new Map<string, Event>(
      this.#models.flatMap(({ id, epochs }) =>
        epochs.flatMap((epoch) =>
          epoch.events.map((event) => [`${id} monitor.${event.type} ${event.probe}`, event] as const),
        ),
      ),
    );
    const keyOf = (post: Post) => `${post.monitorId} ${post.type} ${post.probe}`;
    const { posts } = this.#world.ledger;
    const idsOf = new Map<string, Set<string>>();
    const keysOf = new Map<string, Set<string>>();
    for (const post of posts) {
      this.#expect(
        "Nothing is told that did not happen, or that nobody is to hear",
        events.has(keyOf(post)),
        () => `${post.id} told of ${keyOf(post)}`,
      );
      const key = `${keyOf(post)} ${post.channelUrl}`;
      idsOf.set(key, (idsOf.get(key) ?? new Set()).add(post.id));
      keysOf.set(post.id, (keysOf.get(post.id) ?? new Set()).add(key));
    }
    for (const [left, right] of [...idsOf, ...keysOf]) {
      const names = () => `${left}: ${[...right].join(", ")}`;
      this.#expect("An event has one webhook-id, and no two have the same", right.size === 1, names);
    }
    for (const ofOne of groups(posts, (post) => post.id)) this.#repeats(ofOne);
    for (const ofOne of groups(posts, (post) => `${post.monitorId} ${post.channelUrl}`)) {
      this.#order(ofOne, (post) => events.get(keyOf(post))?.version ?? 0);
    }
  }

  #repeats(posts: readonly Post[]): void {
    const taken = posts.filter((post) => post.taken);
    const excused = taken.filter((post) => post.excused).length;
    this.#expect(
      "An alert comes twice only where a fault came between its answer and its recording",
      taken.length <= 1 + excused,
      () => `${posts[0]?.id} was taken ${taken.length} times, with ${excused} faults`,
    );
  }

  #order(posts: readonly Post[], versionOfPost: (post: Post) => number): void {
    for (const list of [posts, posts.filter((post) => post.taken)]) {
      const firsts = [...new Set(list.map(versionOfPost))];
      this.#expect(
        "A monitor's events come to a channel in their order",
        firsts.every((version, at) => at === 0 || version > (firsts[at - 1] ?? 0)),
        () => `${posts[0]?.monitorId} on ${posts[0]?.channelUrl}: versions ${firsts.join(", ")}`,
      );
    }
  }

  #setApart(): void {
    const invariant = "Only what cannot be read is set apart, and nothing of it is lost";
    const { poisons } = this.#world;
    for (const body of this.#found.setApart) this.#expect(invariant, poisons.has(body), () => `${body} was set apart`);
    for (const [body, isLost] of poisons) {
      this.#expect(invariant, isLost || this.#found.setApart.includes(body), () => `${body} was not set apart`);
    }
  }
}

function versionOf(incidentId: string): number {
  return Number(incidentId.split("_")[2]);
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function groups<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const byKey = new Map<string, T[]>();
  for (const item of items) byKey.set(keyOf(item), [...(byKey.get(keyOf(item)) ?? []), item]);
  return [...byKey.values()];
}

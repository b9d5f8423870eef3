/**
 * What Stillup is to make of the results it stored, written from ARCHITECTURE.md ("How it decides") and not from its
 * statements. The journal says what was stored and what people changed, in the order of its happening.
 */
export interface Noted {
  readonly kind: "check" | "monitor" | "handled" | "channel" | "resolved" | "connectivity";
  readonly id: string;
  readonly at: string;
  readonly what: Readonly<Record<string, unknown>>;
}

export interface StatusChange {
  readonly version: number;
  readonly status: "up" | "down" | "unknown" | "paused" | "pending";
  readonly at: string;
}

/** A confirmed change that is to be told. */
export interface Event {
  /** Counts the monitor's events from 1. */
  readonly number: number;
  readonly type: "down" | "up";
  /** The first answer of the streak. */
  readonly at: string;
  /** When the streak was long enough: the time of the last answer of it, and its probe. */
  readonly confirmedAt: string;
  readonly probe: number;
  /** The place in the journal at which it was handled; null: it was not. */
  handledAt: number | null;
}

/** From a monitor's beginning or resuming to its pausing or end. */
export interface Epoch {
  readonly events: Event[];
  /** How and when it ended, if it did. What is not handled by then is never told. */
  end: { readonly how: "paused" | "deleted"; readonly at: string } | null;
}

export interface MonitorModel {
  readonly id: string;
  readonly statuses: StatusChange[];
  readonly epochs: Epoch[];
  status: StatusChange["status"];
  deleted: boolean;
  url: string;
  /** What is wrong with what was stored: results of something that is not checked any more. */
  readonly wrong: string[];
  /** Probes that were stored as failures, and might be told as such, though nothing could be seen. */
  readonly offlineFailures: number[];
}

interface Streak {
  readonly ok: boolean;
  readonly length: number;
  readonly since: string;
}

interface Row {
  readonly url: string;
  readonly paused: boolean;
  readonly deleted: boolean;
  readonly failures: number;
  readonly recoveries: number;
}

/** What is known of a probe beyond what was stored of it. */
export interface Made {
  readonly url: string;
  readonly calledAtMs: number;
  /** Who made it could see nothing at all from its beginning until long after its end. */
  readonly offline: boolean;
}

/** Every monitor's story. `madeOf` says what a probe was. */
export function monitorModels(journal: readonly Noted[], madeOf: (probe: number) => Made): MonitorModel[] {
  const models = new Map<string, Follower>();
  journal.forEach((noted, place) => {
    if (noted.kind === "monitor") {
      const row = noted.what as unknown as Row; // what the journal's trigger notes
      const known = models.get(noted.id);
      if (known === undefined) models.set(noted.id, new Follower(noted.id, row));
      else known.change(row, noted.at);
    }
    if (noted.kind === "check") {
      const { probe, outcome, at } = noted.what as { probe: number; outcome: string; at: string };
      models.get(noted.id)?.check({ probe, outcome, at, ...madeOf(probe) });
    }
    if (noted.kind === "handled") models.get(noted.id)?.handle(noted.what["numbers"] as number[], place);
  });
  return [...models.values()].map(({ model }) => model);
}

/** Follows one monitor. */
class Follower {
  readonly model: MonitorModel;
  #row: Row;
  #streak: Streak | null = null;
  /** Since when what is checked is what it is. */
  #sinceMs = 0;
  #version = 0;
  #events = 0;
  #epoch: Epoch = { events: [], end: null };

  constructor(id: string, row: Row) {
    this.#row = row;
    const { url } = row;
    this.model = {
      id,
      statuses: [],
      epochs: [this.#epoch],
      status: "pending",
      deleted: false,
      url,
      wrong: [],
      offlineFailures: [],
    };
  }

  change(row: Row, at: string): void {
    const { model } = this;
    const before = this.#row;
    this.#row = row;
    if (row.url !== before.url) {
      this.#streak = null;
      this.#sinceMs = Date.parse(at);
      model.url = row.url;
    }
    if (row.paused && !before.paused) this.#stop("paused", at);
    if (!row.paused && before.paused) {
      this.#become("pending", at);
      this.#sinceMs = Date.parse(at);
      this.#epoch = { events: [], end: null };
      model.epochs.push(this.#epoch);
    }
    if (row.deleted && !before.deleted) {
      model.deleted = true;
      if (this.#epoch.end?.how === "paused" && this.#epoch.end.at === at) this.#epoch.end = { how: "deleted", at };
    }
  }

  handle(numbers: readonly number[], place: number): void {
    for (const event of this.#epoch.events) if (numbers.includes(event.number)) event.handledAt ??= place;
  }

  check(found: { probe: number; outcome: string; at: string } & Made): void {
    const { model } = this;
    const { probe, outcome, at } = found;
    if (model.status === "paused" || model.deleted) {
      model.wrong.push(`probe ${probe} was stored while it was ${model.status}`);
    }
    if (found.url !== model.url) model.wrong.push(`probe ${probe} of ${found.url} was stored for ${model.url}`);
    if (found.calledAtMs < this.#sinceMs) model.wrong.push(`probe ${probe} is of before it was moved or resumed`);
    if (outcome === "unknown") {
      this.#streak = null;
      if (model.status !== "unknown") this.#become("unknown", at);
      return;
    }
    const ok = outcome === "ok";
    const wasDown = this.#epoch.events.at(-1)?.type === "down";
    if (found.offline && !ok && !wasDown) model.offlineFailures.push(probe);
    const before = this.#streak;
    const streak: Streak =
      before !== null && before.ok === ok ? { ...before, length: before.length + 1 } : { ok, length: 1, since: at };
    this.#streak = streak;
    const next = this.#judge(streak, wasDown);
    if (next === null || next === model.status) return;
    if ((next === "down") === wasDown) this.#become(next, streak.since);
    else this.#tell(next, { at, probe });
  }

  /** The table in ARCHITECTURE.md; null: it stays what it is. */
  #judge({ ok, length }: Streak, wasDown: boolean): "up" | "down" | null {
    const { failures, recoveries } = this.#row;
    if (ok) return !wasDown || length >= recoveries ? "up" : null;
    return wasDown || length >= failures ? "down" : null;
  }

  #tell(type: "down" | "up", { at, probe }: { at: string; probe: number }): void {
    const since = this.#streak?.since ?? at;
    this.#become(type, since);
    this.#events += 1;
    this.#epoch.events.push({ number: this.#events, type, at: since, confirmedAt: at, probe, handledAt: null });
  }

  #stop(how: "paused", at: string): void {
    this.#become("paused", at);
    this.#streak = null;
    this.#epoch.end = { how, at };
  }

  #become(status: StatusChange["status"], at: string): void {
    this.#version += 1;
    this.model.status = status;
    this.model.statuses.push({ version: this.#version, status, at });
  }
}

export interface IncidentModel {
  readonly startedAt: string;
  readonly confirmedAt: string;
  readonly resolution: "recovered" | "paused" | "deleted" | null;
  /** Null while it is open. */
  readonly resolvedAt: string | null;
}

/** The incidents of an epoch of whose events the first `handled` were handled. */
export function incidentsOf({ events, end }: Epoch, handled: number): IncidentModel[] {
  const incidents: IncidentModel[] = [];
  for (const [at, event] of events.slice(0, handled).entries()) {
    if (event.type === "up") continue;
    const next = at + 1 < handled ? events[at + 1] : undefined;
    const begun = { startedAt: event.at, confirmedAt: event.confirmedAt };
    if (next !== undefined) incidents.push({ ...begun, resolution: "recovered", resolvedAt: next.at });
    else incidents.push({ ...begun, resolution: end?.how ?? null, resolvedAt: end?.at ?? null });
  }
  return incidents;
}

/** A loss or a return of connectivity. */
export interface ConnectivityModel {
  readonly number: number;
  readonly type: "offline" | "online";
  /** Since when it was offline. */
  readonly since: string;
  readonly at: string;
  readonly notedAt: number;
}

/** The changes of connectivity that were stored: offline, online, offline, and so on. */
export function connectivityModel(journal: readonly Noted[]): ConnectivityModel[] {
  const changes: ConnectivityModel[] = [];
  let since = "";
  journal.forEach(({ kind, at, what }, notedAt) => {
    if (kind !== "connectivity") return;
    const { number, offlineSince } = what as { number: number; offlineSince: string | null };
    since = offlineSince ?? since;
    changes.push({ number, type: offlineSince === null ? "online" : "offline", since, at, notedAt });
  });
  return changes;
}

interface ChannelNote {
  readonly open: boolean;
  readonly default: boolean;
  readonly systemAlerts: boolean;
}

/** How a channel stood over time, as far as events go to it. */
export class Eligibility {
  readonly #notes: { readonly place: number; readonly channels: Map<string, ChannelNote> }[] = [];
  readonly #chosen = new Map<string, { readonly place: number; readonly ids: readonly string[] | null }[]>();
  readonly urls = new Map<string, string>();

  constructor(journal: readonly Noted[]) {
    let channels = new Map<string, ChannelNote>();
    journal.forEach(({ kind, id, what }, place) => {
      if (kind === "channel") {
        channels = new Map(channels).set(id, what as unknown as ChannelNote);
        if (what["url"] !== null) this.urls.set(id, String(what["url"])); // what is deleted keeps none
        this.#notes.push({ place, channels });
      }
      if (kind === "monitor") {
        const list = this.#chosen.get(id) ?? [];
        list.push({ place, ids: what["channelIds"] as string[] | null });
        this.#chosen.set(id, list);
      }
    });
  }

  /** Whether the channel was open from `place` to the end. */
  staysOpen(channelId: string, place: number): boolean {
    const later = this.#notes.filter((note) => note.place > place);
    const now = this.#notes.findLast((note) => note.place <= place);
    return [now, ...later].every((note) => note?.channels.get(channelId)?.open === true);
  }

  /** Whether they go to it when they are handled at `place`. */
  at(monitorId: string, channelId: string, place: number): boolean {
    const channel = this.#notes.findLast((note) => note.place <= place)?.channels.get(channelId);
    const chosen = this.#chosen.get(monitorId)?.findLast((each) => each.place <= place)?.ids ?? null;
    if (channel === undefined || !channel.open) return false;
    if (monitorId === "system") return channel.systemAlerts;
    return chosen === null ? channel.default : chosen.includes(channelId);
  }
}

import { createSql, type Row, type Statement } from "../../runtime/drivers/sql/query.ts";
import type { SqlDriver } from "../../runtime/drivers/sql/sql.ts";
import { createMemoryStream, type MemoryStream } from "../../runtime/drivers/stream/memory.ts";
import type { EventStream, Message, Outgoing } from "../../runtime/drivers/stream/stream.ts";
import { StillupError } from "../../runtime/errors.ts";
import type { Database } from "./database.ts";
import { type Faults, type Point, pointOf } from "./faults.ts";
import type { Host } from "./host.ts";
import type { Ledger } from "./ledger.ts";
import type { Network } from "./network.ts";
import type { Timeline } from "./timeline.ts";

/** After how long a caller gives up a call that nothing came back from. */
const SQL_LOST_MS = 10_000;
const STREAM_LOST_MS = 5000;
/** From when checks are given out, 5 s early, until the last is answered and stored. */
const CHECKED_MS = 25_000;
/** Entries of a stream that may come again. */
const REMEMBERED = 6;
const STREAMS = ["checks.due", "status.changed", "alerts.due"];
const OBSERVER = { group: "observer", consumer: "observer" };

interface ServicesOptions {
  readonly timeline: Timeline;
  readonly random: () => number;
  readonly network: Network;
  readonly faults: Faults;
  readonly ledger: Ledger;
  readonly database: Database;
}

interface Listener {
  readonly host: Host;
  readonly names: readonly string[];
  readonly wake: (name: string) => void;
}

/** Postgres and Redis as the processes meet them: over a network, sometimes away. */
export class Services {
  databaseAwayUntil = 0;
  streamsAwayUntil = 0;
  wakeUpsLostUntil = 0;
  readonly stream: MemoryStream;
  /** Messages that cannot be read, and whether a loss of entries took them from their stream. */
  readonly poisons = new Map<string, boolean>();
  /** The last entries of each stream, for they may come again. */
  readonly #published = new Map<string, string[]>();
  readonly #options: ServicesOptions;
  #listeners: Listener[] = [];

  constructor(options: ServicesOptions) {
    this.#options = options;
    this.stream = createMemoryStream({ now: () => options.timeline.now });
  }

  heal(): void {
    this.databaseAwayUntil = 0;
    this.streamsAwayUntil = 0;
    this.wakeUpsLostUntil = 0;
  }

  sqlOf(host: Host): SqlDriver {
    const send = (statements: readonly Statement[]) => this.#send(host, statements);
    return createSql({
      query: async (statement) => (await send([statement]))[0] ?? [],
      transaction: send,
      script: () => Promise.reject(new Error("No handler runs scripts.")),
      close: async () => {},
    });
  }

  async #send(host: Host, statements: readonly Statement[]): Promise<Row[][]> {
    const { network, ledger, timeline, database } = this.#options;
    const point = pointOf(statements.map(({ text }) => text).join(";"));
    const values = statements.flatMap((statement) => statement.values);
    const lost = () => {
      throw new StillupError("database_unavailable", "The simulated database did not answer.");
    };
    const undone = () => {
      host.sqlTrouble += 1;
      if (point === "record") ledger.noteUnrecorded(host, values);
    };
    let carriedOutAtMs = 0;
    const answer = await network.trip(host, {
      point,
      lost,
      lostAfterMs: SQL_LOST_MS,
      undone,
      unheard: () => {
        host.sqlTrouble += 1;
      },
      carryOut: async () => {
        if (timeline.now < this.databaseAwayUntil) {
          undone();
          return lost();
        }
        const rows = await database.carryOut(timeline.now, statements);
        if (point === "record") ledger.noteRecorded(host, values);
        carriedOutAtMs = timeline.now;
        return rows;
      },
    });
    if (point === "lease") {
      for (const { id, attempt } of answer.flat()) {
        ledger.noteLeased(host, String(id), { attempt: String(attempt), atMs: carriedOutAtMs });
      }
    }
    return answer;
  }

  streamOf(host: Host): EventStream {
    const { stream } = this;
    const call = <T>(point: Point, carryOut: () => Promise<T>, blocks = false) =>
      this.#callStream(host, { point, carryOut, blocks });
    return {
      ...stream, // what is not listed here is no moment of its own
      publish: (entries) => call(pointOfEntries(entries), () => this.#publish(entries)),
      read: (who, { count, blockMs, signal }) =>
        call("read", () => untilGone(host, signal, (both) => stream.read(who, { count, blockMs, signal: both })), true),
      redeliver: (who, ids) => call("redeliver", () => stream.redeliver(who, ids)),
      claimStale: (who, options) => call("take over", () => stream.claimStale(who, options)),
      settle: (who, done) =>
        call("settle", () => {
          this.#remember(done.publish);
          return stream.settle(who, done);
        }),
      removeIdleConsumers: (who, options) => call("other stream call", () => stream.removeIdleConsumers(who, options)),
      state: (name, group) => call("other stream call", () => stream.state(name, group)),
      ping: () => call("other stream call", () => stream.ping()),
      wake: (...names) => call("wake", async () => this.#wake(names)),
      onWake: (names, wake) => call("other stream call", async () => this.#listen({ host, names, wake })),
      close: async () => {},
    };
  }

  #callStream<T>(
    host: Host,
    { point, carryOut, blocks }: { point: Point; carryOut(): Promise<T>; blocks: boolean },
  ): Promise<T> {
    const { network, timeline } = this.#options;
    const lost = (): never => {
      throw new StillupError("stream_unavailable", "The simulated streams did not answer.");
    };
    return network.trip<T>(host, {
      point,
      blocks,
      lost,
      lostAfterMs: STREAM_LOST_MS,
      carryOut: async () => (timeline.now < this.streamsAwayUntil ? lost() : carryOut()),
    });
  }

  #wake(woken: readonly string[]): void {
    const { timeline, network, faults } = this.#options;
    this.#listeners = this.#listeners.filter(({ host }) => host.alive);
    for (const { host, names, wake } of this.#listeners) {
      for (const name of names.filter((each) => woken.includes(each))) {
        if (timeline.now < this.wakeUpsLostUntil) faults.count("wake-up lost");
        else timeline.schedule(network.latencyMs(), host, () => wake(name));
      }
    }
  }

  #listen(listener: Listener): () => Promise<void> {
    this.#listeners.push(listener);
    return async () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  async #publish(entries: readonly Outgoing[]): Promise<void> {
    this.#remember(entries);
    await this.stream.publish(entries);
  }

  #remember(entries: readonly Outgoing[]): void {
    for (const { stream, body } of entries) {
      const bodies = [body, ...(this.#published.get(stream) ?? [])];
      this.#published.set(stream, bodies.slice(0, REMEMBERED));
    }
  }

  /** As a restart of a service that keeps nothing. */
  async loseStreams(): Promise<void> {
    this.#options.faults.count("streams lost");
    for (const stream of STREAMS) this.#losePoisons(await this.entries(stream));
    this.stream.loseEverything();
  }

  /** Deletes some entries under whoever holds them. */
  async trim(stream: string, most: number): Promise<void> {
    const { faults } = this.#options;
    const trimmed = (await this.entries(stream)).slice(0, most);
    if (trimmed.length === 0) return;
    faults.count("stream trimmed");
    this.#losePoisons(trimmed);
    await this.stream.settle({ stream, ...OBSERVER }, { ack: trimmed.map(({ id }) => id), publish: [] });
  }

  /** The last entries come once more, the newest first: long after what they led to. */
  async repeat(stream: string, most: number, kind: "entries doubled" | "entries out of order"): Promise<void> {
    const { faults, random } = this.#options;
    const bodies = (this.#published.get(stream) ?? []).slice(0, most);
    if (bodies.length < (kind === "entries doubled" ? 1 : 2)) return;
    faults.count(kind);
    if (kind === "entries out of order") bodies.sort(() => random() - 0.5);
    await this.stream.publish(bodies.map((body) => ({ stream, body })));
  }

  async poison(stream: string): Promise<void> {
    this.#options.faults.count("poison message");
    const body = `poison ${this.poisons.size}`;
    this.poisons.set(body, false);
    await this.stream.publish([{ stream, body }]);
  }

  #losePoisons(lost: readonly Message[]): void {
    for (const { body } of lost) if (this.poisons.has(body)) this.poisons.set(body, true);
  }

  /** Whether nothing waits in the streams but checks that are not due yet. */
  async isEmpty(): Promise<boolean> {
    const { timeline } = this.#options;
    const mayWait = (stream: string, { body, timestamp }: Message) =>
      stream === "checks.due" && !this.poisons.has(body) && timeline.now - timestamp <= CHECKED_MS;
    for (const stream of STREAMS) {
      const entries = await this.entries(stream);
      if (!entries.every((entry) => mayWait(stream, entry))) return false;
    }
    return true;
  }

  /** All entries of a stream that are not acked, seen without being read. */
  async entries(stream: string): Promise<Message[]> {
    const signal = new AbortController().signal;
    const who = { stream, ...OBSERVER };
    const { messages } = await this.stream.claimStale(who, { minIdleMs: 0, count: 10_000 });
    return [...messages, ...(await this.stream.read(who, { count: 10_000, blockMs: 0, signal }))];
  }
}

/** Checks are carried, everything else only wakes. */
function pointOfEntries([first]: readonly Outgoing[]): Point {
  return first?.stream === "checks.due" ? "publish" : "wake";
}

/** A service lets go of a blocking call when its caller hangs up or dies. */
async function untilGone<T>(host: Host, signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const both = new AbortController();
  const end = () => both.abort();
  if (signal.aborted || host.gone.aborted) end();
  signal.addEventListener("abort", end);
  host.gone.addEventListener("abort", end);
  try {
    return await call(both.signal);
  } finally {
    signal.removeEventListener("abort", end);
    host.gone.removeEventListener("abort", end);
  }
}

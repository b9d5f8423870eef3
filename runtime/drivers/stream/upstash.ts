import { StillupError } from "../../errors.ts";
import type { Metrics } from "../../metrics.ts";
import { withTimeout } from "../../with-timeout.ts";
import { createCapacity } from "./capacity.ts";
import { createMissed } from "./missed.ts";
import { maxEntries, type StreamGroup } from "./redis-entries.ts";
import { handBack, soon } from "./shared.ts";
import type { Consumer, EventStream, Message, Outgoing } from "./stream.ts";
import { createClient, type SendOptions, type UpstashCommand } from "./upstash-client.ts";
import * as command from "./upstash-commands.ts";
import * as groups from "./upstash-group.ts";
import { createReads } from "./upstash-reads.ts";
import { parseUpstashTarget } from "./upstash-target.ts";
import { createWakeUps } from "./upstash-wake-ups.ts";
import { createWatch, type Watch, type WatchFound } from "./upstash-watch.ts";

/** Upstash's smaller plans take requests of 1 MiB; a character may take 3 bytes. */
const maxCharactersATrip = 256 * 1024;
/** What a command is besides its body, and more. */
const charactersACommand = 200;
const closeTimeoutMs = 4_000;

interface UpstashStreamOptions {
  /** UPSTASH_REDIS_REST_URL */
  readonly url: string;
  /** UPSTASH_REDIS_REST_TOKEN */
  readonly token: string;
  /** Counts each trip by its kind, and each command that is charged for as `command:<name>`. */
  readonly metrics?: Pick<Metrics, "count">;
  /** Notified after each trip whether it found the service there; wake-ups do not count. */
  readonly onCall?: (isThere: boolean) => void;
  /** Notified when a wake-up says that something was added to a stream that is read here: reading it takes a trip from then. */
  readonly onAdded?: () => void;
  /** Before every key and channel; `stillup:` when left out. Two prefixes on one database never meet. */
  readonly prefix?: string;
}

/**
 * The EventStream port on Upstash over REST, where nothing blocks and every command costs. Settling deletes, so a stream
 * is for one group. A read asks when a wake-up tells of entries, else every 10 minutes; while no wake-ups are heard, every 1
 * to 10 s. No command is sent twice. Nothing is asked before the first call.
 * @throws StillupError `invalid_configuration` when the URL or the token cannot be one.
 */
export function createUpstashStream(options: UpstashStreamOptions): EventStream {
  const { prefix = "stillup:" } = options;
  const target = parseUpstashTarget(options);
  let isFull = false;
  const client = createClient(target, { ...options, onCall: (isThere) => options.onCall?.(isThere && !isFull) });
  const reads = createReads();
  const missed = createMissed();
  const room = createCapacity(maxEntries);
  const watches = new Map<string, Watch>();
  const wakeAll = () => {
    for (const watch of watches.values()) watch.wake();
  };
  const wakeUps = createWakeUps({ target, client, channel: `${prefix}wake-ups`, onHearing: wakeAll });
  let closed = false;

  const placeOf = (who: Consumer): StreamGroup => ({ ...who, key: prefix + who.stream });

  const watchOf = ({ stream, group }: Consumer): Watch => {
    const key = JSON.stringify([stream, group]);
    const known = watches.get(key);
    if (known !== undefined) return known;
    const watch = createWatch(wakeUps.isHearing);
    watches.set(key, watch);
    wakeUps.on(added(stream), () => {
      watch.wake();
      options.onAdded?.();
    });
    return watch;
  };

  const adding = (entries: readonly Outgoing[]) => [
    ...entries.map(({ stream, body }) => command.addEntry(prefix + stream, body)),
    wakeUps.waking([...new Set(entries.map(({ stream }) => added(stream)))]),
  ];

  /** A full database still answers the rest, so that it is full is known until an entry is taken. */
  const add = async (kind: string, commands: readonly UpstashCommand[], sending: SendOptions = {}): Promise<void> => {
    try {
      for (const reply of await client.send(kind, commands, sending)) client.resultOf(reply);
      if (isFull) options.onCall?.(true);
      isFull = false;
    } catch (error) {
      isFull ||= error instanceof StillupError && error.code === "stream_full";
      throw error;
    }
  };

  const checkCapacity = (entries: readonly Outgoing[]) =>
    room.check(entries, async (stream) => {
      const [reply] = await client.send("length", [command.lengthOf(prefix + stream)]);
      return client.resultOf(reply) as number;
    });

  const publish: EventStream["publish"] = async (entries) => {
    await checkCapacity(entries);
    for (const part of parts(entries)) await add("publish", adding(part));
  };

  const settle: EventStream["settle"] = async (who, { ack, publish: entries }) => {
    if (ack.length + entries.length === 0) return;
    await checkCapacity(entries);
    const all = parts(entries);
    const last = all.pop();
    await publish(all.flat());
    const removing = command.removeEntries(placeOf(who), ack);
    // Acks alone must get through when the database is full, or it would stay so.
    if (last !== undefined) return add("settle", [...adding(last), ...removing], { atomically: true });
    for (const reply of await client.send("settle", removing)) client.resultOf(reply);
  };

  const redeliver = (who: Consumer, ids: readonly string[]) => groups.redeliver(client, placeOf(who), ids);

  /** What the reader was given without knowing, else new entries. */
  const readNext = async (who: Consumer, count: number): Promise<WatchFound> => {
    const pendingFrom = (id: string) => groups.pendingFrom(client, placeOf(who), id);
    const found = await missed.find(who, { count, pendingFrom, redeliver: (ids) => redeliver(who, ids) });
    if (found.length > 0) return { messages: [...found], isMore: true };
    const onFailure = () => missed.failed(who, 0);
    const read = await groups.readNew(client, placeOf(who), { count, onFailure });
    missed.got(who, read.messages);
    return read;
  };

  return {
    publish,
    settle,

    async wake(...names) {
      const [reply] = await client.send("wake", [wakeUps.waking(names.map(woken))]);
      client.resultOf(reply);
    },

    async read(who, { count, blockMs, signal }) {
      if (closed) throw target.failure("is closed");
      // If it cannot hear, the watch has the read ask now and then.
      if (blockMs > 0) wakeUps.listen().catch(() => {});
      const readNew = (most: number) => readNext(who, most);
      const late = (messages: readonly Message[]) => handBack(settle, who, messages);
      return reads.read({ count, blockMs, signal, watch: watchOf(who), readNew, late });
    },

    redeliver: async (who, ids) => (ids.length === 0 ? [] : redeliver(who, ids)),

    async claimStale(who, { minIdleMs, count }) {
      const taken = await groups.claimStale(client, placeOf(who), { minIdleMs, count, watch: watchOf(who) });
      missed.got(who, taken.messages);
      return taken;
    },

    removeIdleConsumers: (who, { minIdleMs }) => groups.removeIdleConsumers(client, placeOf(who), minIdleMs),

    state: (stream, group) => groups.stateOf(client, prefix + stream, group),

    async onWake(names, wake) {
      if (closed) throw target.failure("is closed");
      const ends = names.map((name) => wakeUps.on(woken(name), () => wake(name)));
      const end = async () => {
        for (const each of ends) each();
      };
      try {
        await wakeUps.listen();
      } catch (error) {
        await end();
        throw error;
      }
      return end;
    },

    ping: () =>
      soon(
        client.send("ping", [command.ping]).then(([reply]) => client.resultOf(reply)),
        target.failure,
      ),

    ready: () => soon(add("ready", [command.tryAdding(`${prefix}ready`)]), target.failure),

    async close() {
      closed = true;
      await withTimeout(closeTimeoutMs, reads.close());
      client.close();
      await wakeUps.close();
    },
  };
}

const added = (stream: string) => `added ${stream}`;
const woken = (name: string) => `woken ${name}`;

/** The entries in order, in parts that fit into a request. */
function parts(entries: readonly Outgoing[]): Outgoing[][] {
  const all: Outgoing[][] = [];
  let characters = Number.POSITIVE_INFINITY;
  for (const entry of entries) {
    const length = entry.body.length + charactersACommand;
    characters += length;
    if (characters > maxCharactersATrip) {
      all.push([]);
      characters = length;
    }
    all.at(-1)?.push(entry);
  }
  return all;
}

import { StillupError } from "../../errors.ts";
import type { Metrics } from "../../metrics.ts";
import { withTimeout } from "../../with-timeout.ts";
import { createCapacity } from "./capacity.ts";
import { createMissed } from "./missed.ts";
import { type KeyedConsumer, maxEntries } from "./redis-entries.ts";
import { handBack, withinPingTimeout } from "./shared.ts";
import type { Consumer, EventStream, Message, Outgoing } from "./stream.ts";
import { createClient, type SendOptions, type UpstashCommand } from "./upstash-client.ts";
import * as command from "./upstash-commands.ts";
import * as groups from "./upstash-group.ts";
import { createReads } from "./upstash-reads.ts";
import { parseUpstashTarget } from "./upstash-target.ts";
import { createWakeUps } from "./upstash-wake-ups.ts";
import { createWatch, type Watch, type WatchFound } from "./upstash-watch.ts";

/** Upstash's smaller plans accept requests of 1 MiB. A character may take 3 bytes. */
const maxCharactersPerTrip = 256 * 1024;
/** A generous allowance for a command besides its body. */
const charactersPerCommand = 200;
const closeTimeoutMs = 4_000;

interface UpstashStreamOptions {
  /** UPSTASH_REDIS_REST_URL */
  readonly url: string;
  /** UPSTASH_REDIS_REST_TOKEN */
  readonly token: string;
  /** Counts each trip by its kind, and each command that is charged for as `command:<name>`. */
  readonly metrics?: Pick<Metrics, "count">;
  /** Called after each trip. False: the service was not reached, refused, or is full. Subscriptions do not count. */
  readonly onCall?: (reached: boolean) => void;
  /** Called when a wake-up announces messages in a stream that is read here. */
  readonly onAdded?: () => void;
  /** Before every key and channel; `stillup:` when left out. Two prefixes on one database share nothing. */
  readonly prefix?: string;
}

/**
 * The EventStream port on Upstash over REST, where no command blocks and every command costs. A read asks the service
 * when a wake-up announces messages, or after 10 minutes; every 1 to 10 s while no wake-ups are heard. It sends no
 * command twice, and nothing before the first call.
 * @throws StillupError `invalid_configuration` when the URL is not a REST URL, or the token cannot be one.
 */
export function createUpstashStream(options: UpstashStreamOptions): EventStream {
  const { prefix = "stillup:" } = options;
  const target = parseUpstashTarget(options);
  let isFull = false;
  const client = createClient(target, { ...options, onCall: (reached) => options.onCall?.(reached && !isFull) });
  const reads = createReads();
  const missed = createMissed();
  const capacity = createCapacity(maxEntries);
  const watches = new Map<string, Watch>();
  const wakeAll = () => {
    for (const watch of watches.values()) watch.wake();
  };
  const wakeUps = createWakeUps({ target, client, channel: `${prefix}wake-ups`, onHearing: wakeAll });
  let closed = false;

  const keyed = (who: Consumer): KeyedConsumer => ({ ...who, key: prefix + who.stream });

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
    wakeUps.wakeCommand([...new Set(entries.map(({ stream }) => added(stream)))]),
  ];

  /** A full database still answers other commands, so it counts as full until it accepts an entry. */
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
    capacity.check(entries, async (stream) => {
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
    const removing = command.removeEntries(keyed(who), ack);
    // Acks alone must succeed when the database is full, or it would stay full.
    if (last !== undefined) return add("settle", [...adding(last), ...removing], { atomically: true });
    for (const reply of await client.send("settle", removing)) client.resultOf(reply);
  };

  const redeliver = (who: Consumer, ids: readonly string[]) => groups.redeliver(client, keyed(who), ids);

  /** Messages that the reader missed, or else new ones. */
  const readNext = async (who: Consumer, count: number): Promise<WatchFound> => {
    const pendingFrom = (id: string) => groups.pendingFrom(client, keyed(who), id);
    const found = await missed.find(who, { count, pendingFrom, redeliver: (ids) => redeliver(who, ids) });
    if (found.length > 0) return { messages: [...found], isMore: true };
    const onFailure = () => missed.failed(who, 0);
    const read = await groups.readNew(client, keyed(who), { count, onFailure });
    missed.got(who, read.messages);
    return read;
  };

  return {
    publish,
    settle,

    async wake(...names) {
      const [reply] = await client.send("wake", [wakeUps.wakeCommand(names.map(woken))]);
      client.resultOf(reply);
    },

    async read(who, { count, blockMs, signal }) {
      if (closed) throw target.failure("is closed");
      // If wake-ups cannot be heard, the watch makes the read ask now and then.
      if (blockMs > 0) wakeUps.listen().catch(() => {});
      const readNew = (wanted: number) => readNext(who, wanted);
      const onLate = (messages: readonly Message[]) => handBack(settle, who, messages);
      return reads.read({ count, blockMs, signal, watch: watchOf(who), readNew, onLate });
    },

    redeliver: async (who, ids) => (ids.length === 0 ? [] : redeliver(who, ids)),

    async claimStale(who, { minIdleMs, count }) {
      const taken = await groups.claimStale(client, keyed(who), { minIdleMs, count, watch: watchOf(who) });
      missed.got(who, taken.messages);
      return taken;
    },

    removeIdleConsumers: (who, { minIdleMs }) => groups.removeIdleConsumers(client, keyed(who), minIdleMs),

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
      withinPingTimeout(
        client.send("ping", [command.ping]).then(([reply]) => client.resultOf(reply)),
        target.failure,
      ),

    ready: () => withinPingTimeout(add("ready", [command.tryAdding(`${prefix}ready`)]), target.failure),

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

/** The messages in order, in parts that fit into a request. */
function parts(entries: readonly Outgoing[]): Outgoing[][] {
  const all: Outgoing[][] = [];
  let characters = Number.POSITIVE_INFINITY;
  for (const entry of entries) {
    const length = entry.body.length + charactersPerCommand;
    characters += length;
    if (characters > maxCharactersPerTrip) {
      all.push([]);
      characters = length;
    }
    all.at(-1)?.push(entry);
  }
  return all;
}

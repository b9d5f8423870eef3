import {
  type Delivered,
  firstCursor,
  type KeyedConsumer,
  type RedisEntry,
  saysGone,
  timestampOf,
  toMessage,
} from "./redis-entries.ts";
import type { Message, StreamState } from "./stream.ts";
import type { UpstashClient, UpstashReply } from "./upstash-client.ts";
import * as command from "./upstash-commands.ts";
import type { Watch, WatchFound } from "./upstash-watch.ts";

/** Upstash lets a consumer have 1,000 entries pending, and refuses a read whose COUNT could exceed that. */
const maxEntriesPerRead = 100;

/** New messages for the consumer, at most `count`. `onFailure` is called for a trip whose reply may be lost. */
export async function readNew(
  client: UpstashClient,
  who: KeyedConsumer,
  { count, onFailure }: { count: number; onFailure: () => void },
): Promise<WatchFound> {
  const messages: Message[] = [];
  let isMore = true;
  while (isMore && messages.length < count) {
    const wanted = Math.min(count - messages.length, maxEntriesPerRead);
    const part = await readPart(client, who, wanted).catch((error: unknown) => {
      onFailure();
      // What came before is pending for this consumer, and nobody else would get it before its lease is over.
      if (messages.length === 0) throw error;
      return null;
    });
    if (part === null) break;
    messages.push(...part);
    isMore = part.length === wanted;
  }
  return { messages, isMore };
}

async function readPart(client: UpstashClient, who: KeyedConsumer, count: number): Promise<Message[]> {
  const reading = command.readNew(who, count);
  let replies = await client.send("read", [reading]);
  if (isGone(replies[0])) replies = await client.send("make_group", [command.makeGroup(who), reading]);
  const result = client.resultOf(replies.at(-1)) as [[string, RedisEntry[]]] | null;
  return (result?.[0][1] ?? []).map((entry) => toMessage([entry, 1]));
}

/** The ids of the consumer's pending entries from `id` on. */
export async function pendingFrom(client: UpstashClient, who: KeyedConsumer, id: string): Promise<readonly string[]> {
  const [reply] = await client.send("pending", [command.listPending(who, id, "+")]);
  return isGone(reply) ? [] : (client.resultOf(reply) as PendingEntry[]).map(([pendingId]) => pendingId);
}

/** Those of `ids` that are pending for the consumer, once more. */
export async function redeliver(client: UpstashClient, who: KeyedConsumer, ids: readonly string[]): Promise<Message[]> {
  const [reply] = await client.send("redeliver", [command.claimOwn(who, ids)]);
  if (isGone(reply)) return [];
  const found = client.resultOf(reply) as Delivered[];
  client.countCharged("xpending", ids.length);
  client.countCharged("xclaim", found.length);
  return found.map(toMessage);
}

/** Sends nothing while the watch knows that there is nothing to claim. */
export async function claimStale(
  client: UpstashClient,
  who: KeyedConsumer,
  { minIdleMs, count, watch }: { minIdleMs: number; count: number; watch: Watch },
): Promise<{ messages: Message[]; lost: number }> {
  const messages: Message[] = [];
  let lost = 0;
  if (watch.isNothingIdle(minIdleMs)) return { messages, lost };
  let cursor = firstCursor;
  do {
    const look = watch.beginLook();
    const part = await claimIdle(client, who, { minIdleMs, cursor, count: count - messages.length });
    messages.push(...part.messages);
    lost += part.lost;
    cursor = part.cursor;
    if (part.length === 0 && cursor === firstCursor) watch.sawEmpty(look);
  } while (cursor !== firstCursor && messages.length < count);
  return { messages, lost };
}

/** One XAUTOCLAIM from `cursor` on, and the stream's length. Another trip follows only when something was found. */
async function claimIdle(
  client: UpstashClient,
  who: KeyedConsumer,
  options: { minIdleMs: number; cursor: string; count: number },
): Promise<{ cursor: string; messages: Message[]; lost: number; length: number }> {
  const commands = [command.claimIdle(who, options), command.lengthOf(who.key)];
  const [claimed, counted] = await client.send("claim_stale", commands);
  const length = client.resultOf(counted) as number;
  if (isGone(claimed)) return { cursor: firstCursor, messages: [], lost: 0, length };
  const [cursor, entries, deleted] = client.resultOf(claimed) as [string, RedisEntry[], string[]];
  const tries = await triesOf(client, who, entries);
  const messages = entries.map((entry) => toMessage([entry, tries.get(entry[0]) ?? 2]));
  return { cursor, messages, lost: deleted.length, length };
}

type PendingEntry = readonly [id: string, consumer: string, idleMs: number, deliveries: number];

/** How often each of the consumer's entries was given out, which XAUTOCLAIM does not return. */
async function triesOf(
  client: UpstashClient,
  who: KeyedConsumer,
  entries: readonly RedisEntry[],
): Promise<Map<string, number>> {
  const [first, last] = [entries.at(0), entries.at(-1)];
  if (first === undefined || last === undefined) return new Map();
  const [reply] = await client.send("tries", [command.listPending(who, first[0], last[0])]);
  const pending = client.resultOf(reply) as PendingEntry[];
  return new Map(pending.map(([id, , , deliveries]) => [id, deliveries]));
}

/** Looks first: there is rarely a consumer to remove, and the script costs more. */
export async function removeIdleConsumers(
  client: UpstashClient,
  who: KeyedConsumer,
  minIdleMs: number,
): Promise<number> {
  const [listed] = await client.send("list_consumers", [command.listConsumers(who)]);
  if (isGone(listed)) return 0;
  const others = (client.resultOf(listed) as Flat[]).map(fieldsOf).filter(({ name }) => name !== who.consumer);
  if (!others.some(({ pending, idle }) => pending === 0 && Number(idle) >= minIdleMs)) return 0;

  const [removed] = await client.send("remove_idle_consumers", [command.removeIdle(who, minIdleMs)]);
  if (isGone(removed)) return 0;
  const count = client.resultOf(removed) as number;
  client.countCharged("xinfo");
  client.countCharged("xgroup", count);
  return count;
}

/** Settled entries are deleted, so the first entry is the oldest that is not acked. */
export async function stateOf(client: UpstashClient, key: string, group: string): Promise<StreamState> {
  const [counted, listed] = await client.send("state", [command.lengthOf(key), command.listGroups(key)]);
  const length = client.resultOf(counted) as number;
  const groups = isGone(listed) ? [] : (client.resultOf(listed) as Flat[]).map(fieldsOf);
  const pending = Number(groups.find(({ name }) => name === group)?.["pending"] ?? 0);
  return { length, pending, oldestMs: length === 0 ? 0 : await ageOfFirst(client, key) };
}

async function ageOfFirst(client: UpstashClient, key: string): Promise<number> {
  const [first, time] = await client.send("age", [command.firstEntry(key), command.timeNow]);
  const [entry] = client.resultOf(first) as RedisEntry[];
  const [seconds, microseconds] = client.resultOf(time) as [string, string];
  const now = Number(seconds) * 1_000 + Number(microseconds) / 1_000;
  return entry === undefined ? 0 : Math.max(0, now - timestampOf(entry[0]));
}

function isGone(reply: UpstashReply | undefined): boolean {
  return reply?.error !== undefined && saysGone(reply.error);
}

/** Name, value, name, value, as XINFO answers. */
type Flat = readonly (string | number)[];

function fieldsOf(flat: Flat): Record<string, string | number> {
  return Object.fromEntries(flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? ""]] : [])));
}

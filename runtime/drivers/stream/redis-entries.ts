import { type Consumer, entryWithoutBody, type Message } from "./stream.ts";

/** The field of an entry that contains the message's body. */
export const bodyField = "body";

/** XAUTOCLAIM's cursor at its beginning, and again when it has seen everything. */
export const firstCursor = "0-0";

/** A consumer, with the key of its stream. */
export interface KeyedConsumer extends Consumer {
  readonly key: string;
}

export type RedisEntry = readonly [id: string, fields: readonly string[]];
export type Delivered = readonly [entry: RedisEntry, deliveries: number];

export function toMessage([[id, fields], attempts]: Delivered): Message {
  return { id, body: bodyOf(fields), attempts, timestamp: timestampOf(id) };
}

/** An entry that somebody else added is kept whole, so that it can be dead-lettered and then deleted. */
function bodyOf(fields: readonly string[]): string {
  const [name, body] = fields;
  return name === bodyField && body !== undefined ? body : JSON.stringify({ [entryWithoutBody]: fields });
}

/** An id begins with the server's time when the entry was added, in milliseconds. */
export function timestampOf(id: string): number {
  return Number.parseInt(id, 10);
}

/** True when the server answers that there is no such group: it was never made, or it was lost. */
export function saysGone(message: string): boolean {
  // When data is lost, a blocked read ends with UNBLOCKED, and later commands with NOGROUP. XINFO has its own words.
  return /^(NOGROUP|UNBLOCKED|ERR no such key)/.test(message);
}

/** True when the server answers that it accepts no entries: no memory, a disk that it cannot write, or a replica. */
export function saysFull(message: string): boolean {
  return /\b(OOM|MISCONF|READONLY)\b|\b(data|database|capacity|disk)\b.*\b(exceeded|full)\b/.test(message);
}

/** Messages in one stream, at most: a few megabytes. Only a stream that nobody reads reaches that. */
export const maxEntries = 10_000;

/** ARGV: the group, the consumer, the ids. Returns `Delivered[]`. Atomic, so that nobody claims an entry meanwhile. */
export const claimOwnScript = `
local found = {}
for i = 3, #ARGV do
  local held = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2])
  if #held > 0 then
    local entry = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i])[1]
    if entry then found[#found + 1] = { entry, held[1][4] + 1 } end
  end
end
return found`;

/**
 * ARGV: the group, a consumer that stays, the minimum idle time in milliseconds. Returns how many were removed. Atomic,
 * because deleting a consumer loses what it was given since the look.
 */
export const removeIdleScript = `
local removed = 0
for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local is = {}
  for i = 1, #info, 2 do is[info[i]] = info[i + 1] end
  if is.name ~= ARGV[2] and is.pending == 0 and is.idle >= tonumber(ARGV[3]) then
    removed = removed + 1
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], is.name)
  end
end
return removed`;

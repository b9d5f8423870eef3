import { type Consumer, entryWithoutBody, type Message } from "./stream.ts";

/** The field of an entry that holds its body. */
export const bodyField = "body";

/** Where XAUTOCLAIM begins, and what it answers at the end. */
export const firstCursor = "0-0";

/** A stream's key, and who reads it. */
export interface StreamGroup extends Consumer {
  readonly key: string;
}

export type RedisEntry = readonly [id: string, fields: readonly string[]];
export type Delivered = readonly [entry: RedisEntry, deliveries: number];

export function toMessage([[id, fields], attempts]: Delivered): Message {
  return { id, body: bodyOf(fields), attempts, timestamp: timestampOf(id) };
}

/** What somebody else added is kept whole: it is dead-lettered, and then deleted here. */
function bodyOf(fields: readonly string[]): string {
  const [name, body] = fields;
  return name === bodyField && body !== undefined ? body : JSON.stringify({ [entryWithoutBody]: fields });
}

/** An id begins with the server's clock when the entry was added, in milliseconds. */
export function timestampOf(id: string): number {
  return Number.parseInt(id, 10);
}

/** True for the answer of a server that knows no such group, or has lost it. */
export function saysGone(message: string): boolean {
  // A data loss ends a read that blocks with UNBLOCKED, all that comes later with NOGROUP; XINFO says it its own way.
  return /^(NOGROUP|UNBLOCKED|ERR no such key)/.test(message);
}

/** True for the answer of a server that takes no entries: out of memory, unable to write its disk, or a replica. */
export function saysFull(message: string): boolean {
  return /\b(OOM|MISCONF|READONLY)\b|\b(data|database|capacity|disk)\b.*\b(exceeded|full)\b/.test(message);
}

/** Entries in one stream, at most: some megabytes of wake-ups. More wait where nobody reads, and sweeps do without them. */
export const maxEntries = 10_000;

/** ARGV: the group, the consumer, the ids. Answers `Delivered[]`. Atomic, so that no entry changes hands meanwhile. */
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
 * ARGV: the group, who is not to be removed, the least idle time in milliseconds. Answers how many were removed.
 * Atomic, because deleting a consumer drops what it was given since one looked.
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

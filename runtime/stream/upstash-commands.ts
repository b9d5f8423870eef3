import { bodyField, claimOwnScript, type Place, removeIdleScript } from "./redis-entries.ts";
import type { Command } from "./upstash-client.ts";

export function addEntry(key: string, body: string): Command {
  return ["XADD", key, "*", bodyField, body];
}

/** Adds nothing, as there is no such stream, and is refused as adding would be. */
export function tryAdding(key: string): Command {
  return ["XADD", key, "NOMKSTREAM", "*", bodyField, ""];
}

/** Deleted first: were it cut short there, taking over would clear it up; an acked entry would stay for ever. */
export function removeEntries({ key, group }: Place, ids: readonly string[]): Command[] {
  if (ids.length === 0) return [];
  return [
    ["XDEL", key, ...ids],
    ["XACK", key, group, ...ids],
  ];
}

/** Fails with BUSYGROUP where the group is there. */
export function makeGroup({ key, group }: Place): Command {
  return ["XGROUP", "CREATE", key, group, "0", "MKSTREAM"];
}

export function readNew({ key, group, consumer }: Place, count: number): Command {
  return ["XREADGROUP", "GROUP", group, consumer, "COUNT", count, "STREAMS", key, ">"];
}

export function claimOwn({ key, group, consumer }: Place, ids: readonly string[]): Command {
  return ["EVAL", claimOwnScript, 1, key, group, consumer, ...ids];
}

export function claimIdle(
  { key, group, consumer }: Place,
  { minIdleMs, cursor, count }: { minIdleMs: number; cursor: string; count: number },
): Command {
  return ["XAUTOCLAIM", key, group, consumer, minIdleMs, cursor, "COUNT", count];
}

/** The consumer's pending entries from `first` to `last`. */
export function listPending({ key, group, consumer }: Place, first: string, last: string): Command {
  return ["XPENDING", key, group, first, last, mostPending, consumer];
}

/** More than a consumer can hold: Upstash allows it 1,000. */
const mostPending = 10_000;

export function listConsumers({ key, group }: Place): Command {
  return ["XINFO", "CONSUMERS", key, group];
}

export function removeIdle({ key, group, consumer }: Place, minIdleMs: number): Command {
  return ["EVAL", removeIdleScript, 1, key, group, consumer, minIdleMs];
}

export function listGroups(key: string): Command {
  return ["XINFO", "GROUPS", key];
}

export function lengthOf(key: string): Command {
  return ["XLEN", key];
}

export function firstEntry(key: string): Command {
  return ["XRANGE", key, "-", "+", "COUNT", 1];
}

export const timeNow: Command = ["TIME"];

export const ping: Command = ["PING"];

export function publish(channel: string, message: string): Command {
  return ["PUBLISH", channel, message];
}

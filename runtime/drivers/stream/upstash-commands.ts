import { bodyField, claimOwnScript, type KeyedConsumer, removeIdleScript } from "./redis-entries.ts";
import type { UpstashCommand } from "./upstash-client.ts";

export function addEntry(key: string, body: string): UpstashCommand {
  return { name: "xadd", into: (pipeline) => pipeline.xadd(key, "*", { [bodyField]: body }) };
}

/** Adds nothing, because the stream does not exist, but is refused when adding would be. */
export function tryAdding(key: string): UpstashCommand {
  const into: UpstashCommand["into"] = (pipeline) => pipeline.xadd(key, "*", { [bodyField]: "" }, { nomkStream: true });
  return { name: "xadd", into };
}

/** Deletes first. If only that is carried out, `claimIdle` acks the rest. An entry that was only acked would stay. */
export function removeEntries({ key, group }: KeyedConsumer, ids: readonly string[]): UpstashCommand[] {
  if (ids.length === 0) return [];
  return [
    { name: "xdel", into: (pipeline) => pipeline.xdel(key, [...ids]) },
    { name: "xack", into: (pipeline) => pipeline.xack(key, group, [...ids]) },
  ];
}

/** Fails with BUSYGROUP when the group exists. */
export function makeGroup({ key, group }: KeyedConsumer): UpstashCommand {
  const options = { type: "CREATE", group, id: "0", options: { MKSTREAM: true } } as const;
  return { name: "xgroup", into: (pipeline) => pipeline.xgroup(key, options) };
}

export function readNew({ key, group, consumer }: KeyedConsumer, count: number): UpstashCommand {
  return { name: "xreadgroup", into: (pipeline) => pipeline.xreadgroup(group, consumer, key, ">", { count }) };
}

export function claimOwn({ key, group, consumer }: KeyedConsumer, ids: readonly string[]): UpstashCommand {
  return { name: "eval", into: (pipeline) => pipeline.eval(claimOwnScript, [key], [group, consumer, ...ids]) };
}

export function claimIdle(
  { key, group, consumer }: KeyedConsumer,
  { minIdleMs, cursor, count }: { minIdleMs: number; cursor: string; count: number },
): UpstashCommand {
  const into: UpstashCommand["into"] = (pipeline) =>
    pipeline.xautoclaim(key, group, consumer, minIdleMs, cursor, { count });
  return { name: "xautoclaim", into };
}

/** The consumer's pending entries from `first` to `last`. */
export function listPending({ key, group, consumer }: KeyedConsumer, first: string, last: string): UpstashCommand {
  const into: UpstashCommand["into"] = (pipeline) =>
    pipeline.xpending(key, group, first, last, maxPending, { consumer });
  return { name: "xpending", into };
}

/** More than a consumer can have pending: Upstash allows 1,000. */
const maxPending = 10_000;

export function listConsumers({ key, group }: KeyedConsumer): UpstashCommand {
  return { name: "xinfo", into: (pipeline) => pipeline.xinfo(key, { type: "CONSUMERS", group }) };
}

export function removeIdle({ key, group, consumer }: KeyedConsumer, minIdleMs: number): UpstashCommand {
  return { name: "eval", into: (pipeline) => pipeline.eval(removeIdleScript, [key], [group, consumer, minIdleMs]) };
}

export function listGroups(key: string): UpstashCommand {
  return { name: "xinfo", into: (pipeline) => pipeline.xinfo(key, { type: "GROUPS" }) };
}

export function lengthOf(key: string): UpstashCommand {
  return { name: "xlen", into: (pipeline) => pipeline.xlen(key) };
}

export function firstEntry(key: string): UpstashCommand {
  return { name: "xrange", into: (pipeline) => pipeline.xrange(key, "-", "+", 1) };
}

export const timeNow: UpstashCommand = { name: "time", into: (pipeline) => pipeline.time() };

export const ping: UpstashCommand = { name: "ping", into: (pipeline) => pipeline.ping() };

export function publish(channel: string, message: string): UpstashCommand {
  return { name: "publish", into: (pipeline) => pipeline.publish(channel, message) };
}

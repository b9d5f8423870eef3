import type { Sender } from "./sender.ts";
import * as registry from "./senders.ts";

/** Each takes the config of its own type alone: a row's `type` says whose its `config` is. */
const senders: readonly Sender[] = Object.values(registry);

/** The types that this release can send by. */
export const sendableTypes: readonly string[] = senders.map(({ type }) => type);

/** Undefined for a type that a newer release has added. */
export function findSender(type: string): Sender | undefined {
  return senders.find((sender) => sender.type === type);
}

import * as z from "zod/mini";
import type { Outgoing } from "../../runtime/drivers/stream/stream.ts";
import { parseMessage } from "./message.ts";

/**
 * A stream whose entries only wake: they carry ids, and Postgres has the rest. A wake-up that is lost costs time, one that
 * is heard twice costs nothing.
 */
interface WakeUpStream {
  readonly stream: string;
  readonly group: string;
  /** The entries that name these ids; none for no ids. */
  messages(ids: readonly string[]): Outgoing[];
  /** The ids that an entry names. Throws StillupError `invalid_message`. */
  parse(body: string): string[];
}

const MAX_IDS = 500;
const Message = z.object({ v: z.literal(1), ids: z.array(z.string()).check(z.maxLength(MAX_IDS)) });

function wakeUpStream(stream: string, group: string): WakeUpStream {
  return {
    stream,
    group,
    messages(ids) {
      const entries: Outgoing[] = [];
      for (let at = 0; at < ids.length; at += MAX_IDS) {
        entries.push({ stream, body: JSON.stringify({ v: 1, ids: ids.slice(at, at + MAX_IDS) }) });
      }
      return entries;
    },
    parse: (body) => parseMessage(body, Message).ids,
  };
}

/** Wakes when monitors have status changes that nobody has handled; carries their ids. */
export const statusChanged = wakeUpStream("status.changed", "status-change");

/** Wakes when channels have deliveries that are due; carries the channels' ids. */
export const alertsDue = wakeUpStream("alerts.due", "notification");

import { StillupError } from "../../errors.ts";
import { jitter } from "../../jitter.ts";
import { backoffMs } from "../../retry.ts";
import { sleep } from "../../sleep.ts";
import { eventLines } from "./event-lines.ts";
import { type UpstashClient, type UpstashCommand, unreachable } from "./upstash-client.ts";
import { publish } from "./upstash-commands.ts";
import type { UpstashTarget } from "./upstash-target.ts";

const answerTimeoutMs = 5_000;
/** Under a minute: proxies like to cut off what has been silent for one. */
const silenceMs = 55_000;
/** A connection that lasts less counts as a failure to connect: each costs commands. */
const shortLifeMs = 30_000;
const reconnecting = { firstMs: 250, maxMs: 30_000 };

interface UpstashWakeUpsOptions {
  readonly target: UpstashTarget;
  readonly client: UpstashClient;
  readonly channel: string;
  /** Called when it begins to hear all that is woken, and when it no longer does. */
  readonly onHearing: () => void;
}

/** One channel of a database, heard as server-sent events over a connection that is made again until `close`. */
interface UpstashWakeUps {
  isHearing(): boolean;
  /** The command that wakes `names` wherever the channel is heard. */
  waking(names: readonly string[]): UpstashCommand;
  /** Calls `wake` whenever `name` is woken and heard, or may have been missed; returns the function that ends it. */
  on(name: string, wake: () => void): () => void;
  /** Begins to listen, if it has not. Resolves when it hears; rejects when the latest try to connect has failed. */
  listen(): Promise<void>;
  close(): Promise<void>;
}

/**
 * One channel for everything: one connection a process and one PUBLISH a trip, whatever is woken; the price list charges
 * nothing for hearing. When it has been silent for a while the first process to notice wakes for nobody, which proves
 * the connections of all alive.
 */
export function createWakeUps({ target, client, channel, onHearing }: UpstashWakeUpsOptions): UpstashWakeUps {
  const closing = new AbortController();
  const listeners = new Map<string, Set<() => void>>();
  let hearing = false;
  let hasHeard = false;
  let attempt: Promise<void> | undefined;
  let ended = Promise.resolve();

  const wake = (names: readonly string[]) => {
    for (const name of names) for (const listener of listeners.get(name) ?? []) listener();
  };

  const setHearing = (value: boolean) => {
    if (hearing === value) return;
    hearing = value;
    client.countCharged(value ? "subscribe" : "unsubscribe");
    onHearing();
    // What was woken in between was missed.
    if (value && hasHeard) wake([...listeners.keys()]);
    hasHeard ||= value;
  };

  const waking = (names: readonly string[]) => publish(channel, JSON.stringify(names));

  /** Resolves when the server ends the subscription. @throws StillupError when anything else does. */
  const hear = async (onSubscribed: () => void): Promise<void> => {
    const connection = new AbortController();
    const drop = () => connection.abort(target.failure("fell silent"));
    const silence = watchSilence({ drop, ping: () => client.send("ping_wake_ups", [waking([])]).catch(drop) });
    closing.signal.addEventListener("abort", drop);
    try {
      client.countTrip("subscribe");
      for await (const line of eventLines(await subscribe(target, channel, connection.signal))) {
        if (hearing && line !== "") silence.broken();
        const [, event, data = ""] = /^data: ?(subscribe|message),[^,]*,(.*)$/.exec(line) ?? [];
        if (event === "message") wake(namesIn(data));
        if (event !== "subscribe") continue;
        setHearing(true);
        silence.broken();
        onSubscribed();
      }
    } catch (error) {
      if (connection.signal.aborted) throw connection.signal.reason;
      throw error instanceof StillupError ? error : unreachable(target, error);
    } finally {
      closing.signal.removeEventListener("abort", drop);
      silence.stop();
      setHearing(false);
    }
  };

  /** Resolves when it hears no more, with for how long it did: milliseconds. */
  const tryOnce = async (): Promise<number> => {
    let since = Number.POSITIVE_INFINITY;
    let over = Promise.resolve();
    attempt = new Promise((resolve, reject) => {
      const onSubscribed = () => {
        since = performance.now();
        resolve();
      };
      over = hear(onSubscribed).then(() => reject(target.failure("ended a subscription")), reject);
    });
    // Whoever listens is told.
    attempt.catch(() => {});
    await over;
    return performance.now() - since;
  };

  const keepTrying = async (): Promise<void> => {
    for (let failures = 0; !closing.signal.aborted; ) {
      failures = (await tryOnce()) > shortLifeMs ? 0 : failures + 1;
      await sleep(jitter(backoffMs(failures + 1, reconnecting), { min: 0.5, max: 1 }), closing.signal);
    }
  };

  return {
    isHearing: () => hearing,
    waking,
    on(name, wake) {
      // A function of its own: the same one may be there twice.
      const own = () => wake();
      listeners.set(name, (listeners.get(name) ?? new Set()).add(own));
      return () => {
        listeners.get(name)?.delete(own);
        if (listeners.get(name)?.size === 0) listeners.delete(name);
      };
    },
    async listen() {
      if (attempt === undefined) ended = keepTrying();
      await attempt;
    },
    async close() {
      closing.abort();
      await ended;
    },
  };
}

async function subscribe(target: UpstashTarget, channel: string, signal: AbortSignal) {
  const response = await fetch(`${target.url}/subscribe/${channel}`, {
    method: "POST",
    headers: { authorization: `Bearer ${target.token}`, accept: "text/event-stream" },
    signal,
  });
  if (response.ok && response.body !== null) return response.body;
  throw target.refusal(reasonIn(await response.text()) ?? `a subscription, with status ${response.status}`);
}

function reasonIn(body: string): string | undefined {
  try {
    const { error } = JSON.parse(body) as { error?: unknown };
    return typeof error === "string" ? error : undefined;
  } catch {
    return undefined;
  }
}

/** Anybody may publish anything there. */
function namesIn(message: string): readonly string[] {
  try {
    const names: unknown = JSON.parse(message);
    return Array.isArray(names) ? names.filter((name) => typeof name === "string") : [];
  } catch {
    return [];
  }
}

/**
 * Drops a connection on which nothing comes: at first, and then when nothing follows a ping. A dead one looks like one on
 * which nothing happens.
 */
function watchSilence({ ping, drop }: { ping: () => unknown; drop: () => void }) {
  let timer = setTimeout(drop, answerTimeoutMs);
  const restart = (ms: number, then: () => void) => {
    clearTimeout(timer);
    timer = setTimeout(then, ms);
  };
  return {
    broken: () =>
      restart(jitter(silenceMs, { min: 0.9, max: 1 }), () => {
        restart(answerTimeoutMs, drop);
        ping();
      }),
    stop: () => clearTimeout(timer),
  };
}

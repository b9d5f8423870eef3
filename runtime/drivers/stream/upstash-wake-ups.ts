import { StillupError } from "../../errors.ts";
import { jitter } from "../../jitter.ts";
import { backoffMs } from "../../retry.ts";
import { sleep } from "../../sleep.ts";
import { eventLines } from "./event-lines.ts";
import { type UpstashClient, type UpstashCommand, unreachable } from "./upstash-client.ts";
import { publish } from "./upstash-commands.ts";
import type { UpstashTarget } from "./upstash-target.ts";

const answerTimeoutMs = 5_000;
/** Proxies often cut off a connection that has been silent for a minute. */
const silenceMs = 55_000;
/** A connection that lasts less counts as a failure: each connection costs commands. */
const shortLifeMs = 30_000;
const reconnecting = { firstMs: 250, maxMs: 30_000 };

interface UpstashWakeUpsOptions {
  readonly target: UpstashTarget;
  readonly client: UpstashClient;
  readonly channel: string;
  /** Called when it begins to hear wake-ups, and when it no longer hears them. */
  readonly onHearing: () => void;
}

/** One pub/sub channel, heard as server-sent events over a connection that is made again until `close`. */
interface UpstashWakeUps {
  isHearing(): boolean;
  /** The command that wakes `names` in every process that listens. */
  wakeCommand(names: readonly string[]): UpstashCommand;
  /** Calls `wake` whenever `name` is woken, or may have been. Returns the function that ends it. */
  on(name: string, wake: () => void): () => void;
  /** Begins to listen, if it has not. Resolves when it hears; rejects when the latest try to connect failed. */
  listen(): Promise<void>;
  close(): Promise<void>;
}

/**
 * All wake-ups share one channel: one connection for each process and one PUBLISH for each trip. Upstash charges
 * nothing for what is heard. After some silence the first process to notice publishes an empty wake-up, which shows
 * all processes that their connections work.
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
    // Wake-ups in between were missed.
    if (value && hasHeard) wake([...listeners.keys()]);
    hasHeard ||= value;
  };

  const wakeCommand = (names: readonly string[]) => publish(channel, JSON.stringify(names));

  /** Resolves when the server ends the subscription. @throws StillupError when anything else ends it. */
  const hear = async (onSubscribed: () => void): Promise<void> => {
    const connection = new AbortController();
    const drop = () => connection.abort(target.failure("fell silent"));
    const silence = watchSilence({ drop, ping: () => client.send("ping_wake_ups", [wakeCommand([])]).catch(drop) });
    closing.signal.addEventListener("abort", drop);
    try {
      client.countTrip("subscribe");
      for await (const line of eventLines(await subscribe(target, channel, connection.signal))) {
        if (hearing && line !== "") silence.onLine();
        const [, event, data = ""] = /^data: ?(subscribe|message),[^,]*,(.*)$/.exec(line) ?? [];
        if (event === "message") wake(namesIn(data));
        if (event !== "subscribe") continue;
        setHearing(true);
        silence.onLine();
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

  /** Resolves when it no longer hears, with the milliseconds for which it did. */
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
    // `listen` reports the failure.
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
    wakeCommand,
    on(name, wake) {
      // A function of its own, because the same one may listen twice.
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

/** The names in a message; none in a message that somebody else published. */
function namesIn(message: string): readonly string[] {
  try {
    const names: unknown = JSON.parse(message);
    return Array.isArray(names) ? names.filter((name) => typeof name === "string") : [];
  } catch {
    return [];
  }
}

/**
 * Drops a connection on which nothing comes: not after it was opened, or not after a ping. A dead connection looks like
 * one on which nothing happens.
 */
function watchSilence({ ping, drop }: { ping: () => unknown; drop: () => void }) {
  let timer = setTimeout(drop, answerTimeoutMs);
  const restart = (ms: number, then: () => void) => {
    clearTimeout(timer);
    timer = setTimeout(then, ms);
  };
  return {
    onLine: () =>
      restart(jitter(silenceMs, { min: 0.9, max: 1 }), () => {
        restart(answerTimeoutMs, drop);
        ping();
      }),
    stop: () => clearTimeout(timer),
  };
}

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { nowMs } from "../testing/monotonic.ts";

/** What a helper process can be asked to do. Arguments and answers travel as JSON. */
// `never`: any argument list fits, and each call is checked against its own.
export type Methods = Record<string, (...args: never[]) => unknown>;

interface Question {
  readonly number: number;
  readonly method: string;
  readonly args: readonly unknown[];
}
type Reply = { readonly number: number } & ({ readonly value: unknown } | { readonly error: string });

/** A process of its own beside the one that measures, so that neither takes the other's time. */
export interface Helper<M extends Methods> {
  readonly pid: number;
  call<K extends keyof M & string>(method: K, ...args: Parameters<M[K]>): Promise<Awaited<ReturnType<M[K]>>>;
  stop(): Promise<void>;
}

const CALL_MS = 120_000;
const CLOCK_TRIES = 20;

/** Starts dist/bench/<name>.mjs with these arguments. Throws when its clock is not this process' clock. */
export async function startHelper<M extends Methods>(name: string, args: readonly string[] = []): Promise<Helper<M>> {
  const child = fork(join(import.meta.dirname, `${name}.mjs`), [...args], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  child.on("message", (reply: Reply) => {
    const caller = waiting.get(reply.number);
    waiting.delete(reply.number);
    if ("error" in reply) caller?.reject(new Error(`${name}: ${reply.error}`));
    else caller?.resolve(reply.value);
  });
  child.on("exit", () => {
    for (const { reject } of waiting.values()) reject(new Error(`The process ${name} has ended.`));
  });

  let asked = 0;
  const ask = async (method: string, ...args: readonly unknown[]): Promise<unknown> => {
    const number = ++asked;
    const timer = setTimeout(
      () => waiting.get(number)?.reject(new Error(`${name}.${method} takes too long.`)),
      CALL_MS,
    );
    try {
      return await new Promise((resolve, reject) => {
        waiting.set(number, { resolve, reject });
        child.send({ number, method, args } satisfies Question);
      });
    } finally {
      clearTimeout(timer);
      waiting.delete(number);
    }
  };

  const stop = () => end(child);
  try {
    await compareClocks(name, ask);
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: child.pid ?? 0, call: ask as Helper<M>["call"], stop }; // the other side is checked against M too
}

/** In the helper: answers the questions with `methods`, and ends with its parent. */
export function serve(methods: Methods): void {
  process.on("message", async ({ number, method, args }: Question) => {
    const reply = await answer(method === "now" ? nowMs : methods[method], args);
    process.send?.({ number, ...reply });
  });
  process.on("disconnect", () => process.exit());
  process.on("SIGINT", () => {}); // Ctrl-C goes to all; the parent stops its helpers itself
}

async function answer(method: Methods[string] | undefined, args: readonly unknown[]) {
  try {
    return { value: (await method?.(...(args as never[]))) ?? null };
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

/** A time of the helper must lie between the two times here around it. */
async function compareClocks(name: string, ask: (method: string) => Promise<unknown>): Promise<void> {
  for (let tries = 0; tries < CLOCK_TRIES; tries++) {
    const before = nowMs();
    const there = Number(await ask("now"));
    const after = nowMs();
    if (there < before || there > after) throw new Error(`The clock of ${name} is not the clock of this process.`);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.disconnect();
  const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
  await ended;
  clearTimeout(timer);
}

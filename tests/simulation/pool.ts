import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Name } from "./commands.ts";
import type { Done, Task } from "./worker.ts";

export interface PoolOptions {
  /** worker.ts, bundled. */
  readonly program: string;
  readonly snapshotPath: string;
  readonly processes: number;
  /** Commands that are to come often. */
  readonly often?: readonly Name[];
}

/**
 * Makes the runs of `seeds` in processes of their own, several at once, and tells `onDone` of each. Ends early, with
 * what is under way, once `onDone` answers false. Throws when a process ends by itself.
 */
export async function makeRuns(
  { program, snapshotPath, processes, often = [] }: PoolOptions,
  seeds: Iterable<number>,
  { shrink, onDone }: { shrink: boolean; onDone(done: Done): boolean },
): Promise<void> {
  const left = seeds[Symbol.iterator]();
  let goesOn = true;
  const serve = async (child: ChildProcess) => {
    await answerOf(child);
    while (goesOn) {
      const next = left.next();
      if (next.done === true) return;
      child.send({ seed: next.value, shrink } satisfies Task);
      goesOn = onDone((await answerOf(child)) as Done) && goesOn;
    }
  };
  const children = Array.from({ length: processes }, () => fork(program, [snapshotPath, ...often], { execArgv: [] }));
  try {
    await Promise.all(children.map(serve));
  } finally {
    await Promise.all(children.map(end));
  }
}

async function answerOf(child: ChildProcess): Promise<unknown> {
  const ended = new AbortController();
  const { signal } = ended;
  try {
    return await Promise.race([
      once(child, "message", { signal }).then(([message]) => message),
      once(child, "exit", { signal }).then(([code]) => {
        throw new Error(`A process that makes runs ended with ${code}.`);
      }),
    ]);
  } finally {
    ended.abort();
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

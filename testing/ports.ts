import { once } from "node:events";
import { createServer } from "node:net";

/** Below those that systems give to outgoing connections and to who asks for any: from 32768 on Linux, 49152 elsewhere. */
const FIRST = 20_000;
const COUNT = 12_000;
const TRIES = 3;

let last = Math.floor(Math.random() * COUNT);

/** A port of 127.0.0.1 that nobody listens on; never the same twice in a process. */
export async function freePort(): Promise<number> {
  for (let left = COUNT; left > 0; left--) {
    last = (last + 1) % COUNT;
    const port = FIRST + last;
    if (await isFree(port)) return port;
  }
  throw new Error(`No port from ${FIRST} to ${FIRST + COUNT - 1} is free.`);
}

/** Starts something on a free port, and on another one when somebody took that meanwhile. */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let left = TRIES; ; left--) {
    try {
      return await start(await freePort());
    } catch (error) {
      // As Redis and Postgres say it, and Stillup.
      if (left === 1 || !/address already in use|port \d+ on \S+ is taken/i.test(String(error))) throw error;
    }
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}

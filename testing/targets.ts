import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { nowMs } from "./monotonic.ts";

/** `ok`: 200 and 1 KB. `failing`: 503. `hanging`: takes the request and never answers. */
export type Behaviour = "ok" | "failing" | "hanging";

/** The first request that met a target's new behaviour. */
export interface Turn {
  readonly name: string;
  readonly behaviour: Behaviour;
  /** Just before the answer was written, by `nowMs()`; when the request came, for one that hangs. */
  readonly atMs: number;
}

/** Many targets behind one address: each name is a path. */
export interface Targets {
  urlOf(name: string): string;
  /** What these do from now on. Their next request is noted as a turn. */
  behave(names: readonly string[], behaviour: Behaviour): void;
  /** Semaphore since the start, in order. */
  readonly turns: readonly Turn[];
  /** Requests that this target has had. */
  requestsTo(name: string): number;
  /** Requests altogether. */
  requests(): number;
  close(): Promise<void>;
}

interface Target {
  behaviour: Behaviour;
  turning: boolean;
  requests: number;
}

const BODY = "x".repeat(1024);

/** Targets that all begin as `ok`. A path that is none of them answers 404. */
export async function startTargets(names: readonly string[]): Promise<Targets> {
  const all = new Map<string, Target>(names.map((name) => [name, { behaviour: "ok", turning: false, requests: 0 }]));
  const turns: Turn[] = [];
  let requests = 0;

  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const name = request.url?.slice(1) ?? "";
    const target = all.get(name);
    if (target === undefined) {
      response.writeHead(404).end();
      return;
    }
    target.requests += 1;
    requests += 1;
    const { behaviour } = target;
    if (target.turning) turns.push({ name, behaviour, atMs: nowMs() });
    target.turning = false;
    if (behaviour !== "hanging") response.writeHead(behaviour === "ok" ? 200 : 503).end(BODY);
  };

  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP

  return {
    urlOf: (name) => `http://127.0.0.1:${port}/${name}`,
    behave(some, behaviour) {
      for (const name of some) {
        const target = all.get(name);
        if (target === undefined) throw new Error(`There is no target ${name}.`);
        target.turning = target.behaviour !== behaviour;
        target.behaviour = behaviour;
      }
    },
    turns,
    requestsTo: (name) => all.get(name)?.requests ?? 0,
    requests: () => requests,
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

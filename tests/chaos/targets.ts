import type { ServerResponse } from "node:http";
import type { Status } from "./story.ts";

/** What is watched. Each answers 200 while it is up; while down, some answer 503 and some hang up. */
export interface Targets {
  /** Semaphore one around. */
  turn(name: string, status: Status): void;
  answer(name: string, response: ServerResponse): void;
  /** Requests so far. */
  asked(): number;
}

/** Some checks shall be under way whenever a fault comes. */
const ANSWERS_AFTER_MS = 200;

export function createTargets(): Targets {
  const down = new Set<string>();
  let asked = 0;
  return {
    asked: () => asked,
    turn(name, status) {
      if (status === "down") down.add(name);
      else down.delete(name);
    },
    answer(name, response) {
      asked += 1;
      const isDown = down.has(name);
      setTimeout(() => {
        if (!isDown) response.writeHead(200).end("Here.");
        else if (name.endsWith("0")) response.destroy();
        else response.writeHead(503).end();
      }, ANSWERS_AFTER_MS);
    },
  };
}

import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect } from "vitest";

/** What keeps a process alive, and no test file may leave behind. */
const KINDS = ["TCPSocketWrap", "TCPServerWrap", "TLSWrap", "PipeServerWrap", "ProcessWrap", "UDPWRAP"];
const CLOSING_MS = 2000;

const before = counts();

// Set up before any hook of the file, so it runs after all of them.
afterAll(async () => {
  const deadline = performance.now() + CLOSING_MS;
  while (leaks().length > 0 && performance.now() < deadline) await sleep(10);
  expect(leaks(), "left open by this test file").toEqual([]);
});

/** Kinds of which there are more than at the beginning. What is closing needs some turns of the event loop. */
function leaks(): string[] {
  const now = counts();
  return KINDS.filter((kind) => (now[kind] ?? 0) > (before[kind] ?? 0));
}

function counts(): Record<string, number> {
  const all: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) all[kind] = (all[kind] ?? 0) + 1;
  return all;
}

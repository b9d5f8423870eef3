import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { HttpDriver } from "../../../../../runtime/drivers/http/http.ts";
import { createUndiciHttp } from "../../../../../runtime/drivers/http/undici.ts";

/**
 * In a process of its own, because that of the test is held up. It prints "asked" for each request, and answers at `/`
 * once the file `go` is in its folder; then it writes the file `answered`.
 */
const server = `
const fs = require("node:fs");
const answer = (response) => {
  if (fs.existsSync("go")) response.end("Here.", () => fs.writeFileSync("answered", ""));
  else setTimeout(answer, 5, response);
};
require("node:http")
  .createServer((request, response) => {
    console.log("asked");
    if (request.url === "/") answer(response);
  })
  .listen(0, "127.0.0.1", function () { console.log(this.address().port) })`;

let folder: string;
let target: ChildProcess;
let said: Interface;
let url: string;
let http: HttpDriver;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stillup-held-up-"));
  target = spawn(process.execPath, ["-e", server], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  if (target.stdout === null) throw new Error("Its output is piped");
  said = createInterface(target.stdout);
  const [port] = await once(said, "line");
  url = `http://127.0.0.1:${port}`;
  http = createUndiciHttp({ policy: "private", concurrency: 10 });
});
afterEach(async () => {
  const ended = once(target, "exit");
  target.kill("SIGKILL");
  await ended;
  await http.close();
  await rm(folder, { recursive: true });
});

const call = (path: string) =>
  http.call({ method: "GET", url: url + path, timeoutMs: 500, maxRedirects: 0, maxBodyBytes: 100 });

/** Blocks this process for 2 s at least and until it may go on, as SIGSTOP does, and a machine that sleeps. */
function holdUp(mayGoOn: () => boolean): void {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const beganAt = performance.now();
  while (performance.now() < beganAt + 2000 || !mayGoOn()) Atomics.wait(cell, 0, 0, 10);
}

async function askAndBeHeldUp(path: string, mayGoOn: () => boolean) {
  const asked = once(said, "line");
  const answer = call(path);
  await asked;
  writeFileSync(join(folder, "go"), "");
  holdUp(mayGoOn);
  return answer;
}

test("An answer that came while the process was held up counts, though the time-out is over", async () => {
  expect(await askAndBeHeldUp("/", () => existsSync(join(folder, "answered")))).toMatchObject({
    ok: true,
    statusCode: 200,
  });
});

test("No answer in time says nothing when the process was held up meanwhile", async () => {
  expect(await askAndBeHeldUp("/never", () => true)).toMatchObject({ ok: false, failure: "aborted" });
});

test("No answer in time is a time-out otherwise", async () => {
  expect(await call("/never")).toMatchObject({ ok: false, failure: "timeout" });
});

test("A call that waited too long is not made, even if its timer is later still", async () => {
  const one = createUndiciHttp({ policy: "private", concurrency: 1 });
  const now = performance.now.bind(performance);
  try {
    const ask = () =>
      one.call({ method: "GET", url, timeoutMs: 5000, maxRedirects: 0, maxBodyBytes: 100, beginWithinMs: 60_000 });
    const asked = once(said, "line");
    const [first, second] = [ask(), ask()];
    await asked;
    writeFileSync(join(folder, "go"), "");
    vi.spyOn(performance, "now").mockImplementation(() => now() + 61_000); // as after SIGSTOP: what is read comes first
    expect(await first).toMatchObject({ ok: true });
    expect(await second).toMatchObject({ ok: false, failure: "aborted", code: "TOO_LATE" });
  } finally {
    vi.restoreAllMocks();
    await one.close();
  }
});

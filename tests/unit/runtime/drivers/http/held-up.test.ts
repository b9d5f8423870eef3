import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { HttpDriver } from "../../../../../runtime/drivers/http/http.ts";
import { createUndiciHttp } from "../../../../../runtime/drivers/http/undici.ts";

/** In a process of its own, because that of the test is held up: says when it is asked, answers at `/` 100 ms later. */
const server = `require("node:http")
  .createServer((request, response) => {
    console.log("asked");
    if (request.url === "/") setTimeout(() => response.end("Here."), 100);
  })
  .listen(0, "127.0.0.1", function () { console.log(this.address().port) })`;

let target: ChildProcess;
let said: Interface;
let url: string;
let http: HttpDriver;
beforeEach(async () => {
  target = spawn(process.execPath, ["-e", server], { stdio: ["ignore", "pipe", "inherit"] });
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
});

const call = (path: string) =>
  http.call({ method: "GET", url: url + path, timeoutMs: 500, maxRedirects: 0, maxBodyBytes: 100 });

/** As SIGSTOP does, and a machine that sleeps. */
const holdUp = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

async function askAndBeHeldUp(path: string) {
  const asked = once(said, "line");
  const answer = call(path);
  await asked;
  holdUp(2000);
  return answer;
}

test("An answer that came while the process was held up counts, though the time-out is over", async () => {
  expect(await askAndBeHeldUp("/")).toMatchObject({ ok: true, statusCode: 200 });
});

test("No answer in time says nothing when the process was held up meanwhile", async () => {
  expect(await askAndBeHeldUp("/never")).toMatchObject({ ok: false, failure: "aborted" });
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
    vi.spyOn(performance, "now").mockImplementation(() => now() + 61_000); // as after SIGSTOP: what is read comes first
    expect(await first).toMatchObject({ ok: true });
    expect(await second).toMatchObject({ ok: false, failure: "aborted", code: "TOO_LATE" });
  } finally {
    vi.restoreAllMocks();
    await one.close();
  }
});

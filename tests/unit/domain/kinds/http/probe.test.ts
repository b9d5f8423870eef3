import { describe, expect, it } from "vitest";
import { judge, matchesStatus } from "../../../../../domain/kinds/http/probe.ts";
import type { HttpAnswer, HttpFailure } from "../../../../../runtime/drivers/http/http.ts";

const phases = { dnsMs: null, connectMs: 1, tlsMs: null, firstByteMs: 2, bodyMs: 0 };

function answered(statusCode: number, body = "", truncated = false): HttpAnswer {
  return { ok: true, statusCode, headers: {}, body, truncated, totalMs: 3, phases };
}

function failed(failure: HttpFailure, detail = "The attempt failed."): HttpAnswer {
  return { ok: false, failure, code: "X", detail, statusCode: null, totalMs: 3, phases };
}

const any2xx = { status: ["200-299"] };

describe("judging an answer", () => {
  it.each([
    [200, "ok"],
    [299, "ok"],
    [300, "status"],
    [199, "status"],
    [500, "status"],
  ])("holds %i against 200-299: %s", (statusCode, outcome) => {
    expect(judge(answered(statusCode), any2xx)).toMatchObject({ outcome, statusCode });
  });

  it("takes any of several statuses and ranges", () => {
    const patterns = ["204", "301-308", "404"];
    const right = [204, 301, 308, 404].map((status) => patterns.some((pattern) => matchesStatus(pattern, status)));
    const wrong = [200, 300, 309, 403].map((status) => patterns.some((pattern) => matchesStatus(pattern, status)));
    expect([right, wrong]).toEqual([Array(4).fill(true), Array(4).fill(false)]);
  });

  it("says what was expected when the status is wrong", () => {
    expect(judge(answered(503), { status: ["200", "204"] })?.detail).toBe("Answered 503; expected 200, 204.");
  });

  it("looks for a text in the body, after the status", () => {
    const expected = { status: ["200"], bodyContains: "all good" };
    expect(judge(answered(200, "we are all good here"), expected)?.outcome).toBe("ok");
    expect(judge(answered(200, "we are not"), expected)?.outcome).toBe("body");
    expect(judge(answered(500, "all good"), expected)?.outcome).toBe("status");
  });

  it("says so when only the beginning of a long body was searched", () => {
    const found = judge(answered(200, "x", true), { status: ["200"], bodyContains: "all good" });
    expect(found?.detail).toContain("the first 1048576 bytes");
  });

  it.each([
    ["dns", "dns"],
    ["connect", "connect"],
    ["tls", "tls"],
    ["timeout", "timeout"],
    ["body", "body"],
    ["blocked", "blocked"],
    ["redirects", "status"],
  ] as const)("calls a failure in %s the outcome %s", (failure, outcome) => {
    expect(judge(failed(failure), any2xx)).toMatchObject({ outcome, detail: "The attempt failed." });
  });

  it("knows nothing of a target when this side gave up", () => {
    expect(judge(failed("aborted"), any2xx)).toBeNull();
  });
});

import type { HttpAnswer } from "../../../runtime/drivers/http/http.ts";
import type { CheckResult } from "../../checks/result.ts";
import { defineProbe } from "../probe.ts";
import { type Expect, http } from "./schema.ts";

type HttpCheckResult = CheckResult<(typeof http.outcomes)[number]>;

const MAX_REDIRECTS = 10;
/** How much of a body is searched for `bodyContains`. */
const SEARCHED_BYTES = 1024 * 1024;
/** How much is read where nobody looks at it. */
const UNSEARCHED_BYTES = 64 * 1024;

/** Sends the request and judges the answer. */
export const httpProbe = defineProbe({
  kind: http,
  async check(ports, { url, method, headers, body, expect }, { timeoutMs, signal }) {
    const answer = await ports.http.call({
      method,
      url,
      headers,
      ...(body === null ? {} : { body }),
      timeoutMs,
      maxRedirects: MAX_REDIRECTS,
      maxBodyBytes: expect.bodyContains === undefined ? UNSEARCHED_BYTES : SEARCHED_BYTES,
      signal,
    });
    return judge(answer, expect);
  },
});

/** Compares an answer with what was expected. Null for a call that was given up by this side. */
export function judge(answer: HttpAnswer, expect: Expect): HttpCheckResult | null {
  if (!answer.ok) {
    if (answer.failure === "aborted") return null;
    return result(answer, answer.failure === "redirects" ? "status" : answer.failure, answer.detail);
  }
  if (!expect.status.some((pattern) => matchesStatus(pattern, answer.statusCode))) {
    return result(answer, "status", `Answered ${answer.statusCode}; expected ${expect.status.join(", ")}.`);
  }
  if (expect.bodyContains !== undefined && !answer.body.includes(expect.bodyContains)) {
    const where = answer.truncated ? `the first ${SEARCHED_BYTES} bytes of the body` : "the body";
    return result(answer, "body", `The expected text is not in ${where}.`);
  }
  return result(answer, "ok", null);
}

/** `pattern` is one status (`404`) or a range (`200-299`). */
export function matchesStatus(pattern: string, statusCode: number): boolean {
  const [from, to = from] = pattern.split("-").map(Number);
  return from !== undefined && to !== undefined && from <= statusCode && statusCode <= to;
}

function result(
  { statusCode, totalMs, phases }: HttpAnswer,
  outcome: HttpCheckResult["outcome"],
  detail: string | null,
) {
  return { outcome, statusCode, totalMs, phases, detail };
}

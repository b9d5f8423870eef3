import type { Http, HttpAnswer } from "../../runtime/drivers/http/http.ts";
import type { Expect, Job } from "./job.ts";
import type { CheckOutcome, CheckResult } from "./result.ts";

const MAX_REDIRECTS = 10;
/** How much of a body is searched for `bodyContains`. */
const SEARCHED_BYTES = 1024 * 1024;
/** How much is read where nobody looks at it. */
const UNSEARCHED_BYTES = 64 * 1024;

/** Makes one check. Null when `signal` aborted before there was an answer: then nothing is known of the target. */
export async function probe(http: Http, job: Job, signal: AbortSignal): Promise<CheckResult | null> {
  const answer = await http.call({
    method: job.method,
    url: job.url,
    headers: job.headers,
    ...(job.body === null ? {} : { body: job.body }),
    timeoutMs: job.timeoutMs,
    maxRedirects: MAX_REDIRECTS,
    maxBodyBytes: job.expect.bodyContains === undefined ? UNSEARCHED_BYTES : SEARCHED_BYTES,
    signal,
  });
  return judge(answer, job.expect);
}

/** Holds an answer against what was expected. Null for a call that was given up by this side. */
export function judge(answer: HttpAnswer, expect: Expect): CheckResult | null {
  if (!answer.ok) {
    if (answer.failure === "aborted") return null;
    return finding(answer, answer.failure === "redirects" ? "status" : answer.failure, answer.detail);
  }
  if (!expect.status.some((pattern) => matchesStatus(pattern, answer.statusCode))) {
    return finding(answer, "status", `Answered ${answer.statusCode}; expected ${expect.status.join(", ")}.`);
  }
  if (expect.bodyContains !== undefined && !answer.body.includes(expect.bodyContains)) {
    const where = answer.truncated ? `the first ${SEARCHED_BYTES} bytes of the body` : "the body";
    return finding(answer, "body", `The expected text is not in ${where}.`);
  }
  return finding(answer, "ok", null);
}

/** `pattern` is one status (`404`) or a range (`200-299`). */
export function matchesStatus(pattern: string, statusCode: number): boolean {
  const [from, to = from] = pattern.split("-").map(Number);
  return from !== undefined && to !== undefined && from <= statusCode && statusCode <= to;
}

function finding(answer: HttpAnswer, outcome: CheckOutcome, detail: string | null): CheckResult {
  const { statusCode, totalMs, phases } = answer;
  return { outcome, statusCode, totalMs, phases, detail: detail === null ? null : printable(detail) };
}

/** Postgres takes no NUL, and a person no control characters. */
function printable(text: string): string {
  return text
    .replace(/\p{Cc}/gu, " ")
    .toWellFormed()
    .slice(0, 500);
}

import * as z from "zod/mini";
import { described } from "../../../runtime/api/described.ts";
import { optional, required } from "../../shared/field-map.ts";
import { change, oneOf, refuse, Url, withDefault } from "../../shared/fields.ts";
import { defineKind } from "../kind.ts";
import { Headers } from "./headers.ts";

const ANY_2XX = ["200-299"];
const statuses = "must be a list of 1 to 20 statuses or ranges";
const status = 'must be a status from 100 to 599 or a range of them, such as "404" or "200-299"';
const unmet = "can never succeed: responses below 200 are never final";
const text = "must be text of 1 to 1000 characters";
const body = "must be text of at most 65536 characters";

const StatusPattern = z
  .string(status)
  .check(
    z.regex(/^[1-5]\d\d(-[1-5]\d\d)?$/, { error: status, abort: true }),
    z.refine(isRange, status),
    z.refine(canSucceed, unmet),
  );

function isRange(pattern: string): boolean {
  const [from = "", to = from] = pattern.split("-");
  return from <= to;
}

/** Informational answers are passed over until the final one comes. */
function canSucceed(pattern: string): boolean {
  const [from = "", to = from] = pattern.split("-");
  return to >= "200";
}

const patterns = z.array(StatusPattern, statuses).check(z.minLength(1, statuses), z.maxLength(20, statuses));
const contained = z.string(text).check(z.minLength(1, text), z.maxLength(1000, text));
const statusText = "The statuses that are a success: each is one status or a range of them.";
const bodyText = "A text that the body must contain. Its first MiB is searched.";

const Expect = z.pipe(
  z.strictObject({
    status: described(withDefault(patterns, ANY_2XX), statusText),
    bodyContains: described(change(contained), bodyText),
  }),
  z.transform(({ status, bodyContains }): Expect => (bodyContains == null ? { status } : { status, bodyContains })),
);

const ShownExpect = z.object({
  status: described(z.array(z.string()), statusText),
  bodyContains: described(z.exactOptional(z.string()), bodyText),
});

/** Which response is a success: its status, and a text that its body contains. */
export type Expect = z.output<typeof ShownExpect>;

/** A request to a web server, and the response that is a success. */
export const http = defineKind({
  type: "http",
  form: 1,
  label: "HTTP",
  icon: "globe",
  description: "Sends a request to a URL and checks the status and the body of the response.",
  config: {
    url: required(Url, {
      description: "Where the request goes: http or https, without a user name or password.",
      shown: z.string(),
    }),
    method: optional(oneOf("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"), "GET", {
      description: "The method of the request.",
    }),
    headers: optional(
      Headers,
      {},
      {
        description: "Headers of the request, name to value.",
        shown: z.record(z.string(), z.string()),
      },
    ),
    body: optional(z.string(body).check(z.maxLength(65_536, body)), null, {
      description: "The body of the request; null sends none.",
      shown: z.nullable(z.string()),
    }),
    expect: optional(
      Expect,
      { status: ANY_2XX },
      {
        description: "Which response is a success. Redirects are followed first.",
        shown: ShownExpect,
      },
    ),
  },
  example: { url: "https://shop.example.com/health" },
  rules(payload) {
    const { method, body, expect } = payload.value;
    if (body !== null && (method === "GET" || method === "HEAD")) {
      refuse(payload, `cannot be sent with ${method}`, ["body"]);
    }
    if (expect.bodyContains !== undefined && method === "HEAD") {
      refuse(payload, "can never succeed: a response to HEAD has no body", ["expect", "bodyContains"]);
    }
  },
  target: ({ url }) => url,
  outcomes: ["dns", "connect", "tls", "timeout", "status", "body", "blocked"],
  ambiguous: ["dns", "connect", "tls", "timeout"],
  secrets: [],
  needs: () => [],
});

import { Buffer } from "node:buffer";
import { requestIdOf } from "../../runtime/api/request-id.ts";
import { createRouter, type RouterEntry } from "../../runtime/api/router.ts";
import { withTimeout } from "../../runtime/with-timeout.ts";
import type { HostBindings } from "../shared/bindings.ts";
import { answer, type Invocation } from "../shared/call.ts";

/** A request as an HTTP API (payload 2.0) or a function URL gives it. */
export interface HttpEvent {
  readonly rawPath: string;
  readonly rawQueryString: string;
  readonly cookies?: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly requestContext: { readonly domainName: string; readonly http: { readonly method: string } };
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
}

export interface HttpResult {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly string[];
  readonly body?: string;
  readonly isBase64Encoded: boolean;
}

const TEXT = /^(text\/|application\/([\w.-]+\+)?(json|xml|javascript))/i;

/** This much of the time is kept for returning the response, whatever is still running. */
const TO_ANSWER_MS = 250;

/**
 * Answers requests of an HTTP API or a function URL. `call` has the id of those that bring none. `hono/aws-lambda` does
 * the same with 4.4 KB more in every artefact, and is deprecated.
 */
export function answering(routes: readonly RouterEntry[], open: () => HostBindings) {
  const router = createRouter(routes);
  return async (event: HttpEvent, call: Invocation): Promise<HttpResult> => {
    const request = toRequest(event);
    const requestId = requestIdOf(request.headers.get("x-request-id"), () => call.requestId);
    const { response, background } = await answer(request, { router, open, call: { ...call, requestId } });
    const result = await toResult(response);
    // Lambda holds the process still once it has the answer.
    await withTimeout(Math.max(0, call.deadline - TO_ANSWER_MS - Date.now()), background.idle());
    return result;
  };
}
export type Answering = typeof answering;

function toRequest(event: HttpEvent): Request {
  const { rawPath, rawQueryString, cookies = [], requestContext, body, isBase64Encoded = false } = event;
  const { method } = requestContext.http;
  const headers = new Headers(event.headers);
  if (cookies.length > 0) headers.set("cookie", cookies.join("; "));
  const query = rawQueryString === "" ? "" : `?${rawQueryString}`;
  const takesBody = body !== undefined && method !== "GET" && method !== "HEAD";
  return new Request(`https://${requestContext.domainName}${rawPath}${query}`, {
    method,
    headers,
    ...(takesBody ? { body: isBase64Encoded ? Buffer.from(body, "base64") : body } : {}),
  });
}

/** Cookies are separate, because several of them cannot be joined in one header. What is not text is base64. */
async function toResult(response: Response): Promise<HttpResult> {
  const headers = Object.fromEntries([...response.headers].filter(([name]) => name !== "set-cookie"));
  const bytes = Buffer.from(await response.arrayBuffer());
  const isText = TEXT.test(headers["content-type"] ?? "text/plain") && headers["content-encoding"] === undefined;
  return {
    statusCode: response.status,
    headers,
    cookies: response.headers.getSetCookie(),
    isBase64Encoded: !isText,
    ...(bytes.length === 0 ? {} : { body: bytes.toString(isText ? "utf8" : "base64") }),
  };
}

import { Buffer } from "node:buffer";

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

export function toRequest(event: HttpEvent): Request {
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

/** Cookies apart, because a header of several of them cannot be joined; what is no text in base64. */
export async function toResult(response: Response): Promise<HttpResult> {
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

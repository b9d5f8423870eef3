import type { Answered, Queued, Sent } from "./host.ts";

interface Result {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: readonly string[];
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
}

const TEXT = /^(text\/|application\/(json|javascript|xml))/;

/** What an HTTP API of API Gateway makes of a request and of its function's result: payload 2.0. */
export async function gateway(sent: Sent, invoke: (event: unknown) => Promise<unknown>): Promise<Answered> {
  const {
    statusCode,
    headers = {},
    cookies = [],
    body = "",
    isBase64Encoded = false,
  } = (await invoke(eventOf(sent))) as Result; // what the contract says
  const answered = new Headers(Object.entries(headers));
  for (const cookie of cookies) answered.append("set-cookie", cookie);
  return { status: statusCode, headers: answered, body: Buffer.from(body, isBase64Encoded ? "base64" : "utf8") };
}

function eventOf({ method, path, headers = [], body }: Sent) {
  const [rawPath = "", rawQueryString = ""] = path.split(/\?(.*)/s);
  const joined = new Headers(headers.filter(([name]) => name !== "cookie").map(([name, value]) => [name, value]));
  const cookies = headers.filter(([name]) => name === "cookie").flatMap(([, value]) => value.split("; "));
  const isText = TEXT.test(joined.get("content-type") ?? "");
  const encoded = body === undefined ? undefined : Buffer.from(body).toString(isText ? "utf8" : "base64");
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath,
    rawQueryString,
    ...(cookies.length > 0 ? { cookies } : {}),
    headers: Object.fromEntries(joined),
    requestContext: {
      accountId: "000000000000",
      apiId: "api",
      domainName: "api.stillup.test",
      http: { method, path: rawPath, protocol: "HTTP/1.1", sourceIp: "192.0.2.1", userAgent: "test" },
      requestId: "gateway-request",
      routeKey: "$default",
      stage: "$default",
    },
    ...(encoded === undefined ? {} : { body: encoded }),
    isBase64Encoded: encoded !== undefined && !isText,
  };
}

/** What SQS gives a function. */
export function queueEvent(messages: readonly Queued[], queue: string) {
  return {
    Records: messages.map(({ id, body, attempts }) => ({
      messageId: id,
      receiptHandle: `receipt-${id}`,
      body,
      attributes: { ApproximateReceiveCount: String(attempts), SentTimestamp: String(Date.now()) },
      messageAttributes: {},
      eventSource: "aws:sqs",
      eventSourceARN: `arn:aws:sqs:eu-central-1:000000000000:${queue}`,
      awsRegion: "eu-central-1",
    })),
  };
}

import type { CommandAnswer } from "./upstash-commands.ts";

/** An HTTP answer. A string is sent as it is, anything else as JSON. */
export interface EmulatedAnswer {
  readonly status: number;
  readonly content: unknown;
}

/** Upstash's error for a status where it is known, else a page as a proxy in front of it sends. */
export function errorAnswer(status: number, error = errors[status]): EmulatedAnswer {
  return { status, content: error === undefined ? `<html><h1>${status}</h1></html>` : { error } };
}

const errors: Readonly<Record<number, string>> = {
  401: "WRONGPASS invalid or missing auth token",
  404: "ERR not found",
  405: "ERR method not allowed",
  429:
    "ERR max requests limit exceeded. Limit: 500000, Usage: 500000. " +
    "See https://upstash.com/docs/redis/troubleshooting/max_requests_limit for details",
};

/** A command's answer as JSON. With `inBase64` every string but a bare OK is encoded. */
export function encodeResult(answer: CommandAnswer, inBase64: boolean): unknown {
  if (inBase64 && Buffer.isBuffer(answer) && answer.toString() === "OK") return "OK";
  return encodePart(answer, inBase64 ? "base64" : "utf8");
}

function encodePart(answer: CommandAnswer, encoding: "base64" | "utf8"): unknown {
  if (Buffer.isBuffer(answer)) return answer.toString(encoding);
  if (answer instanceof Error) return answer.message;
  return Array.isArray(answer) ? answer.map((part: CommandAnswer) => encodePart(part, encoding)) : answer;
}

import * as z from "zod/mini";
import { type FieldError, StillupError } from "../errors.ts";
import { invalidRequest } from "./problem.ts";
import { fieldName, findBadText, type Schema, type Validated, validate } from "./validate.ts";

const MAX_BODY_BYTES = 1024 * 1024;
const JSON_TYPE = /^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i;
const NoQuery = z.strictObject({});

/** The query as `schema` has it; without one, any parameter is wrong. Fields are named `query.limit`. */
export function readQuery<S extends Schema>(url: string, schema: S | undefined): Validated<z.output<S> | object> {
  const errors: FieldError[] = [];
  const values = new Map<string, string>();
  const start = url.indexOf("?");
  for (const [name, value] of new URLSearchParams(start === -1 ? "" : url.slice(start))) {
    const field = fieldName([name], "query");
    if (values.has(name)) errors.push({ field, message: `${field} must be given once` });
    values.set(name, value);
  }
  const given = Object.fromEntries(values);
  return joined(validate(schema ?? NoQuery, given, "query"), [...errors, ...findBadText(given, "query")]);
}

/**
 * The JSON body as `schema` has it.
 * @throws StillupError `body_too_large` over 1 MiB, whatever content-length says; `invalid_request` for what is no JSON.
 */
export async function readJson<S extends Schema>(request: Request, schema: S): Promise<Validated<z.output<S>>> {
  if (!JSON_TYPE.test(request.headers.get("content-type") ?? "")) {
    throw badBody("content-type", "content-type must be application/json, in UTF-8");
  }
  const text = await readText(request);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badBody("body", text === "" ? "body is missing: send a JSON object" : "body is not valid JSON");
  }
  // Only an escape can bring such a character through UTF-8 and JSON.
  const isSuspect = text.includes("\\u") || text.includes("__proto__");
  return joined(validate(schema, value), isSuspect ? findBadText(value) : []);
}

/** For a route that takes no body: a filter in one would be passed over, and everything meant. `{}` says nothing. */
export async function readNoBody(request: Request): Promise<Validated<undefined>> {
  if (request.method === "GET" || request.method === "HEAD" || (await isEmpty(request))) {
    return { ok: true, value: undefined };
  }
  const message = "body must be empty: this route takes none, and what narrows it down goes into the query";
  return { ok: false, errors: [{ field: "body", message }] };
}

async function isEmpty(request: Request): Promise<boolean> {
  try {
    return /^\s*(\{\s*\}\s*)?$/.test(await readText(request));
  } catch {
    return false; // too long, or no text
  }
}

async function readText(request: Request): Promise<string> {
  if (Number(request.headers.get("content-length")) > MAX_BODY_BYTES) throw tooLarge();
  if (request.body === null) return "";
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let bytes = 0;
  let text = "";
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      bytes += chunk.value.length;
      if (bytes > MAX_BODY_BYTES) throw tooLarge();
      text += decoder.decode(chunk.value, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    await reader.cancel().catch(() => {}); // what is left of it concerns nobody
    throw error instanceof StillupError ? error : badBody("body", "body must be complete UTF-8 text");
  }
}

function joined<T>(result: Validated<T>, errors: readonly FieldError[]): Validated<T> {
  if (errors.length === 0) return result;
  const fields = new Set(errors.map((error) => error.field));
  const others = result.ok ? [] : result.errors.filter((error) => !fields.has(error.field));
  return { ok: false, errors: [...errors, ...others] };
}

function badBody(field: string, message: string): StillupError {
  return invalidRequest([{ field, message }]);
}

function tooLarge(): StillupError {
  return new StillupError("body_too_large", "The body must not be larger than 1 MiB.");
}

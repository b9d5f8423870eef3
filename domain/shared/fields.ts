import * as z from "zod/mini";
import { ID } from "../../runtime/api/id.mjs";
import { parseUrl } from "../../runtime/url.ts";

/** Says in a check what is wrong with a value, or with what is at `path` in it. The field's name goes before. */
export function refuse({ value, issues }: z.core.ParsePayload, message: string, path: PropertyKey[] = []): void {
  issues.push({ code: "custom", message, path, input: value });
}

/** Text for people: one line, not blank. */
export function line(maxLength: number) {
  const message = `must be text of 1 to ${maxLength} characters, on one line and not blank`;
  const stop = { error: message, abort: true };
  return z
    .string(message)
    .check(z.minLength(1, stop), z.maxLength(maxLength, stop), z.regex(/^(?=.*\S)[^\p{Cc}]*$/u, message));
}

export function wholeNumber(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z.int(message).check(z.minimum(min, message), z.maximum(max, message));
}

export function oneOf<const T extends string>(...words: readonly T[]) {
  return z.enum(words, `must be one of ${words.join(", ")}`);
}

export function flag() {
  return z.boolean("must be true or false");
}

/** A field that may be left out or null, which both mean `fallback`. */
export function withDefault<S extends z.ZodMiniType, const D extends z.output<S> | null>(schema: S, fallback: D) {
  type Value = z.output<S> | Extract<D, null>;
  const field = z.pipe(
    z.optional(z.nullable(schema)),
    z.transform((value: z.output<S> | null | undefined) => (value ?? fallback) as Value),
  );
  z.globalRegistry.add(field as z.ZodMiniType, { default: fallback }); // widened: the registry's types want to know S
  return field;
}

/** A field of a change: left out it stays, null makes it its default. */
export function change<S extends z.ZodMiniType>(schema: S) {
  return z.optional(z.nullable(schema));
}

const EXAMPLE_URL = "https://example.com/health";

/** Where probes and webhooks go. */
export const Url = z
  .string("must be text")
  .check(z.maxLength(2048, { error: "must be at most 2048 characters long", abort: true }), checkUrl)
  .register(z.globalRegistry, { format: "uri", examples: [EXAMPLE_URL] });

function checkUrl(payload: z.core.ParsePayload<string>): void {
  const message = urlProblem(payload.value);
  if (message !== null) refuse(payload, message);
}

function urlProblem(text: string): string | null {
  // The parser forgives spaces, line breaks, missing slashes and too many: what is stored is to be what was meant.
  if (!/^https?:\/\/[^\s\p{Cc}/\\?#][^\s\p{Cc}]*$/iu.test(text) || parseUrl(text) === null) {
    return `must be an http or https URL, such as ${EXAMPLE_URL}`;
  }
  // Not asked of the parsed URL, which forgets empty ones: http://:@host is http://host to it.
  return /^https?:\/\/[^/\\?#]*@/i.test(text) ? "must not contain a user name or a password" : null;
}

export const Id = z.string("must be an id").check(z.regex(ID, "must be an id"));

/** A time in an answer: ISO 8601, UTC, with milliseconds. */
export const Time = z
  .string()
  .check(z.refine((text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text)))
  .register(z.globalRegistry, { format: "date-time" });

import * as z from "zod/mini";
import type { FieldError } from "../errors.ts";
import { invalidRequest } from "./problem.ts";

export type Schema = z.core.$ZodType;

export type Validated<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly errors: readonly FieldError[] };

const MAX_ERRORS = 50;
const MAX_FIELD_LENGTH = 200;
const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

/**
 * What `schema` makes of `value`, or everything that is wrong with it. A schema's own messages go on from the field's
 * name: "must be a whole number from 1 to 10". `where` stands before each path and alone for the value itself.
 */
export function validate<S extends Schema>(schema: S, value: unknown, where = ""): Validated<z.output<S>> {
  const result = z.safeParse(schema, value, { error: describeType });
  if (result.success) return { ok: true, value: result.data };
  // One for a field: what else is wrong with it may only follow from the first.
  const errors = new Map<string, FieldError>();
  for (const issue of result.error.issues) {
    for (const error of fieldErrors(issue, value, where)) {
      if (errors.size < MAX_ERRORS && !errors.has(error.field)) errors.set(error.field, error);
    }
    if (errors.size >= MAX_ERRORS) break;
  }
  return { ok: false, errors: [...errors.values()] };
}

/** What `schema` makes of `value`. @throws StillupError `invalid_request` that names every bad field. */
export function checked<S extends Schema>(schema: S, value: unknown): z.output<S> {
  const result = validate(schema, value);
  if (!result.ok) throw invalidRequest(result.errors);
  return result.value;
}

/**
 * NUL and lone surrogates, in keys and values alike: Postgres takes no NUL, and UTF-8 has no lone surrogates. And keys
 * named `__proto__`, which the schemas of records pass over without a word.
 */
export function findBadText(value: unknown, where = ""): FieldError[] {
  const errors: FieldError[] = [];
  // A list of what is left, not recursion: JSON may be nested half a million deep.
  const left: { value: unknown; path: ValuePath }[] = [{ value, path: null }];
  for (let next = left.pop(); next !== undefined && errors.length < MAX_ERRORS; next = left.pop()) {
    const { value, path } = next;
    if (typeof value === "string") {
      if (isBadText(value)) errors.push(badText(fieldName(keysOf(path), where)));
    } else if (typeof value === "object" && value !== null) {
      const isList = Array.isArray(value);
      for (const [key, child] of Object.entries(value).reverse()) {
        if (isBadText(key)) errors.push(badText(fieldName([...keysOf(path), key], where)));
        if (key === "__proto__") errors.push(unknownField(fieldName([...keysOf(path), key], where)));
        left.push({ value: child, path: { key: isList ? Number(key) : key, parent: path } });
      }
    }
  }
  return errors;
}

type ValuePath = { readonly key: PropertyKey; readonly parent: ValuePath } | null;

function keysOf(path: ValuePath): PropertyKey[] {
  const keys: PropertyKey[] = [];
  for (let at = path; at !== null; at = at.parent) keys.push(at.key);
  return keys.reverse();
}

function isBadText(text: string): boolean {
  return /[\0\p{Surrogate}]/u.test(text);
}

function badText(field: string): FieldError {
  return { field, message: `${field} must not contain a NUL character or half of a surrogate pair` };
}

function unknownField(field: string): FieldError {
  return { field, message: `${field} is unknown; remove it` };
}

function fieldErrors(issue: z.core.$ZodIssue, value: unknown, where: string): FieldError[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownField(fieldName([...issue.path, key], where)));
  }
  const field = fieldName(issue.path, where);
  const isMissing = valueAt(value, issue.path) === undefined;
  return [{ field, message: isMissing ? `${field} is missing: it ${issue.message}` : `${field} ${issue.message}` }];
}

/** `expect.status[0]`, `headers[""]`. */
export function fieldName(path: readonly PropertyKey[], where: string): string {
  let name = where;
  for (const key of path) {
    if (name.length > MAX_FIELD_LENGTH) break;
    if (typeof key === "number" || key === "") name += `[${JSON.stringify(key)}]`;
    else name += `${name === "" ? "" : "."}${String(key)}`;
  }
  return name.slice(0, MAX_FIELD_LENGTH) || "body";
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === "object" && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined),
    value,
  );
}

/** The message of an issue whose schema has none of its own. */
function describeType(issue: z.core.$ZodRawIssue): string {
  return issue.code === "invalid_type"
    ? `must be ${TYPE_NAMES[issue.expected] ?? `of type ${issue.expected}`}`
    : "is not valid";
}

import { fieldName } from "../../runtime/api/validate.ts";
import type { FieldError } from "../../runtime/errors.ts";

/** What a secret is shown as. Sent back, it keeps the secret that is stored. */
export const MASK = "********";

/** `value` with every text in its secret fields masked: in a field itself, or in the object that a field holds. */
export function maskSecrets<T extends object>(value: T, names: readonly string[]): T {
  return mapSecrets(value, names, (text) => text && MASK);
}

/** `patch` with every masked secret replaced by the one of `before`. A mask that stands for nothing stays. */
export function keepSecrets<T extends object>(patch: T, before: object, names: readonly string[]): T {
  const stored = new Map(secretsOf(before, names).map(({ path, text }) => [pathKey(path), text]));
  return mapSecrets(patch, names, (text, path) => (text === MASK ? (stored.get(pathKey(path)) ?? text) : text));
}

/** The secrets of `value` that are only a mask, as bad fields: `where` stands before each name. */
export function maskErrors(value: object, names: readonly string[], where = ""): FieldError[] {
  return secretsOf(value, names)
    .filter(({ text }) => text === MASK)
    .map(({ path }) => {
      const field = fieldName(path, where);
      return { field, message: `${field} is masked and no secret is stored for it; give the secret itself` };
    });
}

interface Secret {
  readonly path: readonly string[];
  readonly text: string;
}

function secretsOf(value: object, names: readonly string[]): Secret[] {
  const found: Secret[] = [];
  mapSecrets(value, names, (text, path) => {
    found.push({ path, text });
    return text;
  });
  return found;
}

function mapSecrets<T extends object>(
  value: T,
  names: readonly string[],
  change: (text: string, path: readonly string[]) => string,
): T {
  const changed = (at: unknown, path: readonly string[]): unknown => {
    if (typeof at === "string") return change(at, path);
    if (typeof at !== "object" || at === null || Array.isArray(at)) return at;
    return Object.fromEntries(Object.entries(at).map(([key, each]) => [key, changed(each, [...path, key])]));
  };
  const entries = Object.entries(value).map(([name, each]) => [
    name,
    names.includes(name) ? changed(each, [name]) : each,
  ]);
  return Object.fromEntries(entries) as T; // texts became texts, all else is as it was
}

function pathKey(path: readonly string[]): string {
  return JSON.stringify(path);
}

import type { SqlValue } from "./sql.ts";

type Parse = (text: string) => unknown;

/**
 * How a column's text becomes a value, by the type's OID. Other types stay text. All drivers get this table, because
 * their own differ in NULL in arrays, int8, bytea, and the time zone of a date.
 */
export const parsers: Readonly<Record<number, Parse>> = {
  16: (text) => text === "t", // bool
  17: (text) => Buffer.from(text.slice(2), "hex"), // bytea
  20: (text) => text, // int8
  21: Number, // int2
  23: Number, // int4
  114: JSON.parse as Parse, // json
  700: Number, // float4
  701: Number, // float8
  1009: parseTextArray, // text[]
  1015: parseTextArray, // varchar[]
  1082: (text) => new Date(`${text}T00:00:00Z`), // date
  1114: (text) => new Date(`${text}Z`), // timestamp, read as UTC
  1184: (text) => new Date(text), // timestamptz
  1700: (text) => text, // numeric
  3802: JSON.parse as Parse, // jsonb
};

/** Values as text. Postgres infers their types from the statement. */
export function encodeValues(values: readonly SqlValue[]): (string | null)[] {
  return values.map(encode);
}

function encode(value: SqlValue, index: number): string | null {
  if (value === null || typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return `{${value.map(encodeElement).join(",")}}`;
  throw new TypeError(`Value ${index + 1} of the statement is ${typeof value}, which is not an SqlValue.`);
}

function encodeElement(element: string | null): string {
  return element === null ? "NULL" : `"${element.replace(/["\\]/g, "\\$&")}"`;
}

/** A one-dimensional array. An unquoted NULL is null; a quoted one is the word. */
function parseTextArray(text: string): (string | null)[] {
  const elements: (string | null)[] = [];
  for (const [, quoted, bare] of text.slice(1, -1).matchAll(/"([^"\\]*(?:\\.[^"\\]*)*)"|([^",]+)/gs)) {
    if (quoted !== undefined) elements.push(quoted.replace(/\\(.)/gs, "$1"));
    else elements.push(bare === "NULL" || bare === undefined ? null : bare);
  }
  return elements;
}

import * as z from "zod/mini";
import { described } from "../../runtime/api/described.ts";
import { ID } from "../../runtime/api/id.mjs";
import { refuse } from "./fields.ts";

/** A position in a list that goes from new to old: the next items are older. */
export interface PagePosition {
  /** A time as Postgres writes it in UTC, with its microseconds. */
  readonly at: string;
  readonly id: string;
}

const START: PagePosition = { at: "infinity", id: "" };
const LIMIT = "must be a whole number from 1 to 200";
const CURSOR = "must be the nextCursor of an earlier response";

const Limit = z
  .pipe(
    z.optional(z.string(LIMIT).check(z.refine(isLimit, LIMIT))),
    z.transform((text) => Number(text ?? "50")),
  )
  .register(z.globalRegistry, {
    type: "integer",
    minimum: 1,
    maximum: 200,
    default: 50,
    description: "How many items to return.",
  });

function isLimit(text: string): boolean {
  return /^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) <= 200;
}

const Cursor = z
  .pipe(
    z.optional(z.string(CURSOR)),
    z.transform((text, context) => {
      const place = text === undefined ? START : decode(text);
      if (place === null) refuse(context, CURSOR);
      return place ?? START;
    }),
  )
  .register(z.globalRegistry, { description: "`nextCursor` of the previous response." });

/** Every list's part of the query. */
export const page = { limit: Limit, cursor: Cursor };

/** A filter of a list; null when left out. */
export function filter<S extends z.ZodMiniType>(schema: S) {
  return z.pipe(
    z.optional(schema),
    z.transform((value: z.output<S> | undefined) => value ?? null),
  );
}

/** The schema of a list's response. */
export function pageOf<S extends z.ZodMiniType>(item: S) {
  return z.object({
    items: described(z.array(item), "The items, newest first."),
    nextCursor: described(z.nullable(z.string()), "The `cursor` of the next page; null on the last one."),
  });
}

/** A page from up to `limit + 1` rows: the one too many only says that there is more. */
export function makePage<Row extends PagePosition, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
): { items: Item[]; nextCursor: string | null } {
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  return { items: shown.map(toItem), nextCursor: last === undefined ? null : encode(last) };
}

/** The cursor of a place. */
export function encode({ at, id }: PagePosition): string {
  return btoa(JSON.stringify([at, id]))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

function decode(cursor: string): PagePosition | null {
  if (!/^[\w-]{1,300}$/.test(cursor)) return null;
  try {
    const place: unknown = JSON.parse(atob(cursor.replaceAll("-", "+").replaceAll("_", "/")));
    if (!Array.isArray(place) || place.length !== 2) return null;
    const [at, id]: unknown[] = place;
    return isTime(at) && isId(id) ? { at, id } : null;
  } catch {
    return null;
  }
}

function isTime(value: unknown): value is string {
  const parts = typeof value === "string" && /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d{1,6})?\+00$/.exec(value);
  if (!parts) return false;
  const seconds = `${parts[1]}T${parts[2]}`;
  const at = new Date(`${seconds}Z`);
  // 31 February becomes another day; the year 0 is none to Postgres.
  return !Number.isNaN(at.getTime()) && at.getUTCFullYear() > 0 && at.toISOString().startsWith(seconds);
}

function isId(value: unknown): value is string {
  return value === START.id || (typeof value === "string" && ID.test(value));
}

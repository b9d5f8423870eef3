import { notFound } from "../../runtime/api/problem.ts";

/** The thing that was asked for. Throws StillupError `not_found` when there is none. */
export function found<T>(
  thing: T | undefined,
  what: "monitor" | "channel" | "incident" | "delivery" | "set-apart message",
): T {
  if (thing === undefined) throw notFound(`There is no ${what} of this id.`);
  return thing;
}

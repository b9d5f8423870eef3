import { notFound } from "../../runtime/api/problem.ts";

/** The thing that was asked for. Throws StillupError `not_found` when there is none. */
export function orNotFound<T>(
  thing: T | undefined,
  what: "monitor" | "channel" | "incident" | "delivery" | "dead letter",
): T {
  if (thing === undefined) throw notFound(`There is no ${what} of this id.`);
  return thing;
}

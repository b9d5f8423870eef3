import { notFound } from "../../runtime/api/problem.ts";

/** `resource`, which a statement looked up by its id. Throws StillupError `not_found` when there is none. */
export function orNotFound<T>(
  resource: T | undefined,
  kind: "monitor" | "channel" | "incident" | "delivery" | "dead letter",
): T {
  if (resource === undefined) throw notFound(`There is no ${kind} with this id.`);
  return resource;
}

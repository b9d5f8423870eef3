import { randomUUID } from "node:crypto";

const REQUEST_ID = /^[\w.:-]{1,128}$/;

/** The id that a caller gave its request, if it is one that may stand in logs and headers; else `fallback`. */
export function requestIdOf(given: string | null | undefined, fallback: () => string = randomUUID): string {
  return given != null && REQUEST_ID.test(given) ? given : fallback();
}

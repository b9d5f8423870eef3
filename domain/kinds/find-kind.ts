import type { Kind } from "./kind.ts";
import * as registry from "./schemas.ts";

/** Every kind. */
export const kinds: readonly Kind[] = Object.values(registry);

const byType = new Map(kinds.map((kind) => [kind.type, kind]));

/** The kind of this type; undefined where this release does not know it. */
export function findKind(type: string): Kind | undefined {
  return byType.get(type);
}

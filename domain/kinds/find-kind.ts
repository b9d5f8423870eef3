import type { Kind } from "./kind.ts";
import * as registry from "./schemas.ts";

/** Every kind, by type: the order of a module's exports differs between a bundle and its sources. */
export const kinds: readonly Kind[] = Object.values<Kind>(registry).sort((a, b) => (a.type < b.type ? -1 : 1));

const byType = new Map(kinds.map((kind) => [kind.type, kind]));

/** The kind of this type; undefined where this release does not know it. */
export function findKind(type: string): Kind | undefined {
  return byType.get(type);
}

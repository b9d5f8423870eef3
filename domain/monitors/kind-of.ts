import { StillupError } from "../../runtime/errors.ts";
import { findKind } from "../kinds/find-kind.ts";
import type { Kind } from "../kinds/kind.ts";

/** The kind of a monitor. Throws StillupError `wrong_state` for one that only a newer release can change. */
export function kindOf({ type, form }: { type: string; form: number }): Kind {
  const kind = findKind(type);
  if (kind !== undefined && form <= kind.form) return kind;
  throw new StillupError(
    "wrong_state",
    `A newer release of Stillup added or changed this monitor of type ${type}. Update this API, then change it.`,
  );
}

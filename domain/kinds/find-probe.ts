import { StillupError } from "../../runtime/errors.ts";
import type { Probe } from "./probe.ts";
import * as registry from "./probes.ts";

/** Every probe. */
export const probes: readonly Probe[] = Object.values(registry);

const byType = new Map(probes.map((probe) => [probe.kind.type, probe]));

/** How a job is checked. Throws StillupError `newer_message` for a type or a form that only a newer release knows. */
export function probeFor({ type, form }: { type: string; form: number }): Probe {
  const probe = byType.get(type);
  if (probe !== undefined && form <= probe.kind.form) return probe;
  throw new StillupError("newer_message", `This release cannot make checks of type ${type} in form ${form}.`);
}

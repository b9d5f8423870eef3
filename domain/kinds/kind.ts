import type * as z from "zod/mini";
import type { Capability } from "../../runtime/limits.ts";
import type { FieldMap, ValuesOf } from "../shared/field-map.ts";

/** What a monitor of a kind has of its own. */
export type ConfigOf<F extends FieldMap> = ValuesOf<F, "input">;

type Name<F extends FieldMap> = keyof F & string;

/** A kind of monitor, as far as routes need to know it: `probe.ts` beside it makes the checks. */
export interface Kind<F extends FieldMap = FieldMap, Outcome extends string = string> {
  /** Its name in the API. */
  readonly type: string;
  /** The version of `config`. A change that gives checks another verdict raises it: older workers then leave them. */
  readonly form: number;
  /** Its name as people write it. */
  readonly label: string;
  /** The name of its icon among Lucide's: https://lucide.dev/icons. */
  readonly icon: string;
  /** One line: what is checked, for whoever chooses a kind. */
  readonly description: string;
  /** Its fields beside those that all monitors have. */
  readonly config: F;
  /** The required fields of an example. */
  readonly example: Partial<ConfigOf<F>>;
  /** Refuses fields that contradict each other; each by itself is fine. */
  rules?(payload: z.core.ParsePayload<ConfigOf<F>>): void;
  /** By which people recognise what is monitored; holds no secret. */
  target(config: ConfigOf<F>): string;
  /** What a failed check may be called. */
  readonly outcomes: readonly Outcome[];
  /** Those of them that our own connectivity may have caused. */
  readonly ambiguous: readonly Outcome[];
  /** The fields that are secret; `metadata.*` for every value in one. */
  readonly secrets: readonly (Name<F> | `${Name<F>}.*`)[];
  /** What a host must offer to check it. */
  needs(config: ConfigOf<F>): readonly Capability[];
}

/** A kind, with the types of its fields and outcomes inferred. */
export function defineKind<F extends FieldMap, const Outcome extends string>(kind: Kind<F, Outcome>): Kind<F, Outcome> {
  return kind;
}

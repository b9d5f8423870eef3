/** What is checked: the variables, or one of the services that they name. */
type Area = "configuration" | "database" | "migrations" | "streams" | "connectivity";

export interface Finding {
  readonly area: Area;
  readonly check: string;
  /** `warn`: it works, and something should be done nevertheless. */
  readonly status: "ok" | "warn" | "fail" | "skip";
  /** What was seen; of a failure also what to do. Holds no secret. */
  readonly detail: string;
}

export interface Step {
  readonly check: string;
  /** What to do when it fails. */
  readonly remedy: string;
  /** Resolves with what was seen; throws when it is not good. */
  run(): Promise<string | Skipped | Warned>;
  /** True when a failure says nothing about what comes after. */
  readonly goesOn?: boolean;
}

/** A step that has nothing to check, and why. */
export class Skipped {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** A step that saw what should be fixed, though nothing fails by it. */
export class Warned {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Takes the steps one after another, up to the first whose failure leaves nothing to see behind it. */
export async function take(area: Area, steps: readonly Step[], tell: (finding: Finding) => void): Promise<void> {
  let broken: string | undefined;
  for (const step of steps) {
    const { check } = step;
    if (broken !== undefined) {
      tell({ area, check, status: "skip", detail: `because ${broken} failed` });
      continue;
    }
    const finding = await look(area, step);
    tell(finding);
    if (finding.status === "fail" && !step.goesOn) broken = check;
  }
}

async function look(area: Area, { check, remedy, run }: Step): Promise<Finding> {
  try {
    const seen = await run();
    if (seen instanceof Skipped) return { area, check, status: "skip", detail: seen.reason };
    if (seen instanceof Warned) return { area, check, status: "warn", detail: seen.reason };
    return { area, check, status: "ok", detail: seen };
  } catch (error) {
    return { area, check, status: "fail", detail: `${reasonOf(error).replace(/\.$/, "")}. ${remedy}` };
  }
}

/** Of several addresses that were tried only the code says why. */
function reasonOf(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string };
  return message || code || String(error);
}

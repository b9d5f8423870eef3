import type { Env } from "../../runtime/contract.ts";
import type { Finding, Outcome } from "../checks/result.ts";
import { askControls } from "./ask-controls.ts";

/** What may be as well the fault of this side. */
const silence: readonly Outcome[] = ["dns", "connect", "tls", "timeout"];
/** How long sight counts for failures that change nothing: a target that is long down asks nobody at each check. */
const QUIET_REACH_MS = 30_000;

/** What one process can see. Times are its own, by `performance.now()`. */
export interface Sight {
  /** The process, in the database. */
  readonly reporter: string;
  /** The last time that it saw nothing; null when it always saw. */
  blind(): { readonly since: number; readonly until: number } | null;
  /**
   * What the control targets say in a round that began at `since` or later, shared by all who want one meanwhile. A
   * round that began at `sawSince` or later will do if it saw.
   */
  sees(since: number, sawSince?: number): Promise<boolean>;
}

interface Round {
  readonly beganAt: number;
  readonly sees: Promise<boolean>;
  /** Null while it goes on. */
  saw: boolean | null;
}

export function createSight(look: () => Promise<boolean>): Sight {
  let round: Round | undefined;
  let blind: { since: number; until: number } | null = null;

  const begin = (before: Round | undefined): Round => {
    const beganAt = performance.now();
    const end = (saw: boolean) => {
      began.saw = saw;
      const since = before?.saw === false ? (blind?.since ?? beganAt) : beganAt;
      if (!saw) blind = { since, until: performance.now() };
      return saw;
    };
    const began: Round = { beganAt, saw: null, sees: look().then(end) };
    return began;
  };

  return {
    reporter: crypto.randomUUID(),
    blind: () => blind,
    async sees(since, sawSince = since) {
      while (round?.saw === null && round.beganAt < since) await round.sees;
      if (round?.saw && round.beganAt >= sawSince) return true;
      if (round === undefined || round.beganAt < since) round = begin(round);
      return round.sees;
    },
  };
}

type SightEnv = Pick<Env, "http" | "config" | "memo">;

/** This process' own. */
export function sightOf({ http, config, memo }: SightEnv): Promise<Sight> {
  const look = () => askControls(http, config.controlTargets);
  return memo("sight", Number.POSITIVE_INFINITY, async () => createSight(look));
}

/**
 * Whether a finding says nothing of its target, because this process could see nothing at all: no answer came, and while
 * the check went on, or since, no control target gave one either. `quiet` is a finding that changes nothing.
 */
export async function isUnseen(
  env: SightEnv,
  { outcome, statusCode }: Finding,
  { beganAt, quiet }: { beganAt: number; quiet: boolean },
): Promise<boolean> {
  if (env.config.controlTargets.length === 0 || statusCode !== null || !silence.includes(outcome)) return false;
  const sight = await sightOf(env);
  const blind = sight.blind();
  if (blind !== null && blind.until >= beganAt) return true;
  const now = performance.now();
  return !(await sight.sees(now, quiet ? now - QUIET_REACH_MS : now));
}

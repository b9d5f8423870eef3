import type { Env } from "../../runtime/contract.ts";
import type { CheckResult } from "../checks/result.ts";
import type { DomainConfig } from "../config.ts";
import { askTargets } from "./ask-targets.ts";

/** How long connectivity counts for failures that change nothing: a target that is long down asks nobody at each check. */
const QUIET_REACH_MS = 30_000;

/** What one process can see. Times are its own, by `performance.now()`. */
export interface Connectivity {
  /** The process, in the database. */
  readonly reporter: string;
  /** The last time that it saw nothing; null when it always saw. */
  offline(): OfflinePeriod | null;
  /**
   * What the connectivity targets say in a round that began at `since` or later, shared by all who want one meanwhile. A
   * round that began at `sawSince` or later will do if it saw.
   */
  sees(since: number, sawSince?: number): Promise<boolean>;
}

interface OfflinePeriod {
  readonly since: number;
  /** When it was last found to see nothing. */
  readonly last: number;
  /** When it was found to see again; infinite until then. */
  readonly until: number;
}

interface Round {
  readonly beganAt: number;
  readonly sees: Promise<boolean>;
  /** Null while it goes on. */
  saw: boolean | null;
}

const NOT_YET = Number.POSITIVE_INFINITY;

export function createConnectivity(look: () => Promise<boolean>): Connectivity {
  let round: Round | undefined;
  let offline: OfflinePeriod | null = null;

  const begin = (): Round => {
    const beganAt = performance.now();
    const end = (saw: boolean) => {
      began.saw = saw;
      const now = performance.now();
      const before = offline?.until === NOT_YET ? offline : null;
      if (!saw) offline = { since: before?.since ?? beganAt, last: now, until: NOT_YET };
      else if (before !== null) offline = { ...before, until: now };
      return saw;
    };
    const began: Round = { beganAt, saw: null, sees: look().then(end) };
    return began;
  };

  return {
    reporter: crypto.randomUUID(),
    offline: () => offline,
    async sees(since, sawSince = since) {
      while (round?.saw === null && round.beganAt < since) await round.sees;
      if (round?.saw && round.beganAt >= sawSince) return true;
      if (round === undefined || round.beganAt < since) round = begin();
      return round.sees;
    },
  };
}

type ConnectivityEnv = Pick<Env<DomainConfig>, "http" | "config" | "memo">;

/** This process' own. */
export function connectivityOf({ http, config, memo }: ConnectivityEnv): Promise<Connectivity> {
  const look = () => askTargets(http, config.connectivityTargets);
  return memo("connectivity", Number.POSITIVE_INFINITY, async () => createConnectivity(look));
}

/**
 * Whether a result says nothing about its target, because this process could reach nothing at all: the outcome is one of
 * its kind's `ambiguous` ones, no answer came, and no connectivity target answers either, or none did when the check
 * began or while it went on. `quiet` is a result that changes nothing.
 */
export async function isInconclusive(
  env: ConnectivityEnv,
  { outcome, statusCode }: CheckResult,
  { ambiguous, beganAt, quiet }: { ambiguous: readonly string[]; beganAt: number; quiet: boolean },
): Promise<boolean> {
  if (env.config.connectivityTargets.length === 0 || statusCode != null || !ambiguous.includes(outcome)) return false;
  const connectivity = await connectivityOf(env);
  const now = performance.now();
  const sees = await connectivity.sees(now, quiet ? now - QUIET_REACH_MS : now);
  return !sees || (connectivity.offline()?.until ?? Number.NEGATIVE_INFINITY) >= beganAt;
}

import type { Env } from "../contract.ts";

/** The bindings of one call: what it logs carries its request id. */
export function callEnv(env: Env, requestId: string): Env {
  return { ...env, log: env.log.child({ requestId }) };
}

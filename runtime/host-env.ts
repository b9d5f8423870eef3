import type { Env, Ports } from "./contract.ts";
import type { Http } from "./drivers/http/http.ts";
import { StillupError } from "./errors.ts";

/** Everything that a process or a function host can pass to its functions. */
export interface HostEnv<Own = unknown> extends Env<Own> {
  /** For functions whose `ports` say `http: "limited"`. */
  readonly limitedHttp: Http;
}

/** The env of one call: `http` is the one that the function declares, and each line that it logs has the request id. */
export function callEnv(
  env: HostEnv,
  { ports, requestId }: { readonly ports?: Ports | undefined; readonly requestId: string },
): Env {
  const http = { shared: env.http, limited: env.limitedHttp, none: undeclaredHttp }[ports?.http ?? "none"];
  return { ...env, http, log: env.log.child({ requestId }) };
}

/** A host may have built the artefact without a driver, so a call without a declaration fails everywhere. */
const undeclaredHttp: Http = {
  async call() {
    throw new StillupError("internal", "This function does not declare outgoing HTTP. Export `ports` with `http` set.");
  },
};

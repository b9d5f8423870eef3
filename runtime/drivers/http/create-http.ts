import { driverCallsTotal, type Metrics } from "../../metrics.ts";
import { HttpExchange } from "./exchange.ts";
import type { StartHop } from "./hop.ts";
import type { HttpDriver, NetworkPolicy } from "./http.ts";
import { createSemaphore } from "./semaphore.ts";

/** What every adapter is made with. */
export interface HttpOptions {
  readonly policy: NetworkPolicy;
  /** Calls at once. Those over it wait in order. */
  readonly concurrency: number;
  readonly metrics?: Metrics;
}

/** What an adapter provides. */
interface HttpAdapter extends HttpOptions {
  /** Its name in metrics. */
  readonly driver: string;
  readonly startHop: StartHop;
  /** Resolves when nothing is open any more. Called after every call has ended. */
  close?(): Promise<void>;
}

/** The Http port on an adapter that can make one hop. */
export function createHttp({ policy, concurrency, metrics, driver, startHop, close }: HttpAdapter): HttpDriver {
  const semaphore = createSemaphore(concurrency);
  const exchanges = new Set<HttpExchange>();
  let closed = false;
  const startCounted: StartHop = (hop) => {
    metrics?.count(driverCallsTotal, { driver, kind: "request" });
    return startHop(hop);
  };
  return {
    call: (request) =>
      new Promise((resolve) => {
        const onEnd: typeof resolve = (answer) => {
          exchanges.delete(exchange);
          resolve(answer);
        };
        const exchange = new HttpExchange({ request, policy, semaphore, startHop: startCounted, onEnd });
        exchanges.add(exchange);
        if (closed) exchange.stop("aborted", "CLOSED");
        else exchange.start();
      }),
    async close() {
      closed = true;
      for (const exchange of exchanges) exchange.stop("aborted", "CLOSED");
      await close?.();
    },
  };
}

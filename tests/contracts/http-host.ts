import type { HttpAnswer, HttpDriver, NetworkPolicy } from "../../runtime/drivers/http/http.ts";

export interface MakeOptions {
  readonly policy: NetworkPolicy;
  readonly concurrency: number;
  /** Only for adapters with sockets. */
  readonly lookup?: (hostname: string) => Promise<readonly string[]>;
  /** Only for adapters with sockets: the authority to trust, in PEM. */
  readonly ca?: string;
}

export interface HttpHost {
  make(options: MakeOptions): HttpDriver;
  /** True for an adapter that has no say in names, connections and certificates: what it cannot tell, it says nothing of. */
  readonly withoutSockets?: boolean;
}

/** What a test starts, closed after it. */
export class Closing {
  readonly #things: { close(): Promise<void> }[] = [];

  add<Thing extends { close(): Promise<void> }>(thing: Thing): Thing {
    this.#things.push(thing);
    return thing;
  }

  async all(): Promise<void> {
    for (const thing of this.#things.splice(0).reverse()) await thing.close();
  }
}

export const get = { method: "GET", timeoutMs: 10_000, maxRedirects: 5, maxBodyBytes: 100_000 } as const;

/** The answer to a call that must be answered. */
export function answered(answer: HttpAnswer): HttpAnswer & { ok: true } {
  if (!answer.ok) throw new Error(`${answer.failure} ${answer.code}: ${answer.detail}`);
  return answer;
}

/** The failure of a call that must fail. */
export function failed(answer: HttpAnswer): HttpAnswer & { ok: false } {
  if (answer.ok) throw new Error(`It was answered ${answer.statusCode}.`);
  return answer;
}

import type { Source } from "../../runtime/contract.ts";
import type { Http, HttpDriver, NetworkPolicy } from "../../runtime/drivers/http/http.ts";
import { createNeonSql } from "../../runtime/drivers/sql/neon.ts";
import type { EventStream } from "../../runtime/drivers/stream/stream.ts";
import { createUpstashStream } from "../../runtime/drivers/stream/upstash.ts";
import { StillupError } from "../../runtime/errors.ts";
import type { HostEnv } from "../../runtime/host-env.ts";
import type { Log } from "../../runtime/log.ts";
import { createMemo } from "../../runtime/memo.ts";
import type { Metric, Metrics } from "../../runtime/metrics.ts";
import { createPlainMetrics } from "../../runtime/metrics-plain.ts";
import type { HostConfig } from "./config.ts";

export interface HostBindings {
  readonly env: HostEnv;
  /** How long one tick of the host's clock works. */
  readonly workSeconds: number;
  /** For one tick: what hears wake-ups would be cut off, and not know it, while the host holds the process still. */
  openStream(): EventStream;
}

/** Makes a client for outgoing HTTP. `concurrency`: calls at once. */
export type OpenHttp = (options: {
  readonly policy: NetworkPolicy;
  readonly concurrency: number;
  readonly metrics: Metrics;
}) => HttpDriver;

interface HostBindingsOptions {
  readonly log: Log;
  /** Null: no function of the artefact declares `http`. */
  readonly openHttp: OpenHttp | null;
  readonly sources: readonly Source[];
  /** What the functions declare. */
  readonly metrics: readonly Metric[];
}

/** Makes the bindings, over HTTP alone. Nothing is connected to yet. */
export function createBindings(
  host: HostConfig,
  { log, openHttp, sources, metrics: declared }: HostBindingsOptions,
): HostBindings {
  const { config, workSeconds } = host;
  const metrics = createPlainMetrics({ service: config.limits.host, metrics: declared });
  const reached = { sql: false, stream: false };
  const onCall = (service: keyof typeof reached) => (isThere: boolean) => {
    reached[service] = isThere;
  };
  const sql = createNeonSql({ url: host.databaseUrl, metrics, onCall: onCall("sql") });
  const openStream = () => createUpstashStream({ ...host.stream, metrics, onCall: onCall("stream") });
  const http = (concurrency: number) =>
    openHttp === null ? noHttp : openHttp({ policy: config.networkPolicy, concurrency, metrics });
  const stream = openStream();
  const env: HostEnv = {
    sql,
    stream,
    http: http(host.sharedCalls),
    limitedHttp: http(config.workerConcurrency),
    log,
    metrics,
    memo: createMemo(),
    sources,
    reached,
    config,
  };
  return { env, workSeconds, openStream };
}

const noHttp: Http = {
  call: async () => {
    throw new StillupError(
      "internal",
      "This artefact has no client for outgoing HTTP. Declare `http` in the ports of the function and build again.",
    );
  },
};

import type { Http } from "../../runtime/drivers/http/http.ts";
import { createNeonSql } from "../../runtime/drivers/sql/neon.ts";
import type { EventStream } from "../../runtime/drivers/stream/stream.ts";
import { createUpstashStream } from "../../runtime/drivers/stream/upstash.ts";
import { StillupError } from "../../runtime/errors.ts";
import type { HostEnv } from "../../runtime/host-env.ts";
import type { Log } from "../../runtime/log.ts";
import { createMemo } from "../../runtime/memo.ts";
import { createPlainMetrics } from "../../runtime/metrics-plain.ts";
import type { Artefact } from "./artefact.ts";
import type { HostConfig } from "./config.ts";

export interface HostBindings {
  readonly env: HostEnv;
  /** How long one tick of the host's clock works. */
  readonly workSeconds: number;
  /** For one tick: what hears wake-ups would be cut off, and not know it, while the host holds the process still. */
  openStream(): EventStream;
}

interface HostBindingsOptions {
  readonly log: Log;
  readonly artefact: Pick<Artefact, "openHttp" | "sources" | "metrics">;
}

/** Makes the bindings, over HTTP alone. Nothing is connected to yet. */
export function createBindings(
  host: HostConfig,
  { log, artefact: { openHttp, sources, metrics: known } }: HostBindingsOptions,
): HostBindings {
  const { config, workSeconds } = host;
  const metrics = createPlainMetrics({ service: config.limits.host, metrics: known });
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

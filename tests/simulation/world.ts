import type { DomainConfig } from "../../domain/config.ts";
import type { Config } from "../../runtime/config/config.ts";
import type { HostEnv } from "../../runtime/host-env.ts";
import type { Log, LogFields } from "../../runtime/log.ts";
import { createMemo } from "../../runtime/memo.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import { Api } from "./api.ts";
import { Cluster, sources } from "./cluster.ts";
import type { Database } from "./database.ts";
import { Faults } from "./faults.ts";
import { API, Host } from "./host.ts";
import { Ledger } from "./ledger.ts";
import { Network } from "./network.ts";
import { controls, Outside } from "./outside.ts";
import { People } from "./people.ts";
import { createRandom } from "./random.ts";
import { Services } from "./services.ts";
import { Timeline } from "./timeline.ts";

const START_MS = Date.UTC(2026, 2, 1, 12);

const config: Config & DomainConfig = {
  apiKey: "the-key-of-every-simulated-world-0123456789",
  networkPolicy: "private",
  connectivityTargets: controls,
  watchdogUrl: null,
  publicUrl: null,
  logLevel: "WARN",
  workerConcurrency: 200,
  workerLeaseSeconds: 20,
  drainSeconds: 10,
  rawCheckDays: 7,
};

const metrics: Metrics = { count() {}, observe() {}, set() {}, render: async () => "" };

/** All that a run consists of, put together. */
export interface World {
  readonly timeline: Timeline;
  readonly random: () => number;
  readonly faults: Faults;
  readonly ledger: Ledger;
  readonly outside: Outside;
  readonly services: Services;
  readonly cluster: Cluster;
  readonly people: People;
  readonly database: Database;
  /** What failed without an excuse: bugs that were logged, refused statements, rejections that nobody handles. */
  readonly bugs: string[];
  /** Writes that the API refused though the database had taken them. */
  readonly refusals: string[];
  /** Messages that cannot be read, and whether a loss of entries took them from their stream. */
  readonly poisons: Map<string, boolean>;
}

export function createWorld(database: Database, seed: number): World {
  const timeline = new Timeline(START_MS);
  const random = createRandom(seed);
  const faults = new Faults();
  const ledger = new Ledger();
  const bugs: string[] = [];
  const refusals: string[] = [];
  const network = new Network({
    timeline,
    random,
    faults,
    kill: (host, seconds) => cluster.kill(host, seconds),
    freeze: (host, seconds) => cluster.freeze(host, seconds),
  });
  const services = new Services({ timeline, random, network, faults, ledger, database });
  const outside = new Outside({ timeline, random, network, faults, ledger });
  const envOf = (host: Host): HostEnv => ({
    sql: services.sqlOf(host),
    stream: services.streamOf(host),
    http: outside.httpOf(host),
    limitedHttp: outside.httpOf(host),
    log: bugLog(bugs, host),
    config,
    metrics,
    memo: createMemo(),
    sources,
  });
  const cluster: Cluster = new Cluster({ timeline, faults, ledger, envOf });
  const apiHost = new Host(API);
  const api = new Api({
    timeline,
    host: apiHost,
    env: envOf(apiHost),
    onRefusal: (what) => refusals.push(what),
  });
  const people = new People(api, apiHost);
  return {
    timeline,
    random,
    faults,
    ledger,
    outside,
    services,
    cluster,
    people,
    database,
    bugs,
    refusals,
    poisons: services.poisons,
  };
}

/** Keeps only what no fault excuses. */
function bugLog(bugs: string[], host: Host): Log {
  const expected = ["database_unavailable", "stream_unavailable"];
  const error = (message: string, fields: LogFields = {}) => {
    const code = fields["errorCode"];
    const isBug = fields["errorName"] !== undefined && !expected.includes(String(code));
    if (isBug || message.startsWith("The database refused")) {
      bugs.push(`${host.name} logged "${message}" ${JSON.stringify(fields["error"])} ${String(fields["stack"])}`);
    }
  };
  const log: Log = { debug() {}, info() {}, warn() {}, error, child: () => log };
  return log;
}

import type { Source } from "../../runtime/contract.ts";
import type { Http, HttpAnswer } from "../../runtime/drivers/http/http.ts";
import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import type { EventStream } from "../../runtime/drivers/stream/stream.ts";
import { findMissingMigrations } from "../migrate.ts";
import { Skipped, type Step, Warned } from "./findings.ts";
import { type Endpoint, reach, resolveName, shakeHands } from "./network.ts";

const OLDEST_POSTGRES = 15;
const OLDEST_REDIS = 7;
/** Receivers of webhooks refuse timestamps that are minutes off. */
const MAX_CLOCK_SECONDS = 60;
const ROUND_TRIPS = 5;

/** The way to a service. `variable` is what names it. */
export function waySteps(place: Endpoint, variable: string): Step[] {
  return [
    {
      check: "name",
      remedy: `Check the host in ${variable}, and that this machine can resolve names.`,
      run: () => resolveName(place),
    },
    {
      check: "port",
      remedy: `Check host and port in ${variable}, firewalls, and the service's list of allowed addresses.`,
      run: () => reach(place),
    },
    {
      check: "tls",
      remedy: `Check the host in ${variable}; name a CA of your own in NODE_EXTRA_CA_CERTS; check this machine's clock.`,
      run: async () => (place.tls === "none" ? new Skipped(`${variable} does not ask for TLS`) : shakeHands(place)),
    },
  ];
}

export function databaseSteps(sql: Sql, variable: string): Step[] {
  return [
    {
      check: "login",
      remedy: `Copy ${variable} from the service's console again.`,
      async run() {
        const [row] = await sql<{ name: string }>`select current_user || ' in ' || current_database() as name`;
        return row?.name ?? "";
      },
    },
    {
      check: "version",
      remedy: `Use Postgres ${OLDEST_POSTGRES} or newer.`,
      goesOn: true,
      async run() {
        const [row] = await sql<{ version: string; number: number }>`
          select current_setting('server_version') as version, current_setting('server_version_num')::int4 as number`;
        if (row === undefined || row.number < OLDEST_POSTGRES * 10_000) throw new Error(`Postgres ${row?.version}`);
        return `Postgres ${row.version}`;
      },
    },
    roundTrip(async () => sql`select 1`),
    {
      check: "clock",
      remedy: "Set this machine's clock: receivers refuse webhooks whose time is far off.",
      goesOn: true,
      async run() {
        const before = Date.now();
        const [row] = await sql<{ ms: number }>`select extract(epoch from clock_timestamp())::float8 * 1000 as ms`;
        const seconds = ((row?.ms ?? 0) - (before + Date.now()) / 2) / 1000;
        const words = `the database's is ${Math.abs(seconds).toFixed(1)} s ${seconds < 0 ? "behind" : "ahead of"} this one`;
        if (Math.abs(seconds) > MAX_CLOCK_SECONDS) throw new Error(words);
        return words;
      },
    },
  ];
}

export function migrationSteps(sql: Sql, { dist, variable }: { dist: string; variable: string }): Step[] {
  const remedy = `Check ${variable}: migrations go over TCP, to the direct host of a pooled database.`;
  return [
    {
      check: "migrations",
      remedy,
      async run() {
        const missing = await findMissingMigrations(sql, dist);
        return missing.length === 0 ? "all applied" : `the service migrate will apply ${missing.join(", ")}`;
      },
    },
  ];
}

interface Streams {
  readonly stream: EventStream;
  /** What lets it in. */
  readonly variable: string;
  /** What the workers read. */
  readonly sources: readonly Source[];
  /** Of the server; null where it does not tell. */
  version(): Promise<string | null>;
}

export function streamSteps({ stream, variable, sources, version }: Streams): Step[] {
  return [
    {
      check: "login",
      remedy: `Copy ${variable} from the service's console again.`,
      async run() {
        await stream.ping();
        return "it answers";
      },
    },
    {
      check: "version",
      remedy: `Use Redis ${OLDEST_REDIS}.0 or newer.`,
      goesOn: true,
      async run() {
        const found = await version();
        if (found === null) return new Skipped("it does not tell");
        if (Number.parseInt(found, 10) < OLDEST_REDIS) throw new Error(`Redis ${found}`);
        return `Redis ${found}`;
      },
    },
    roundTrip(() => stream.ping()),
    ...sources.map(({ stream: name, group }) => ({
      check: name,
      remedy: "Delete what has this name there, or use a database of its own.",
      goesOn: true,
      async run() {
        const { length, pending } = await stream.state(name, group);
        return `${length} entries, ${pending} of them with the group ${group}`;
      },
    })),
  ];
}

/** A line for each, and one for all: without one that answers no target is ever found to be down. */
export function connectivitySteps(http: Http, urls: readonly string[]): Step[] {
  let asked: Promise<readonly HttpAnswer[]> | undefined;
  const ask = () => {
    const call = { method: "GET", timeoutMs: 3000, maxRedirects: 0, maxBodyBytes: 0 };
    asked ??= Promise.all(urls.map((url) => http.call({ ...call, url })));
    return asked;
  };
  const remedy =
    "Name others in CONNECTIVITY_TARGETS, which this machine can reach and NETWORK_POLICY allows, or none.";
  return [
    ...urls.map((url, index) => ({
      check: new URL(url).host,
      remedy,
      goesOn: true,
      async run() {
        const answer = (await ask())[index];
        if (answer === undefined || answer.ok || answer.statusCode !== null) return "answers";
        return new Warned(`${answer.detail.replace(/\.$/, "")}. ${remedy}`);
      },
    })),
    {
      check: "answers",
      remedy,
      async run() {
        if (urls.length === 0)
          return new Skipped("CONNECTIVITY_TARGETS names none: being cut off looks like an outage");
        const count = (await ask()).filter(({ statusCode }) => statusCode !== null).length;
        if (count === 0) throw new Error("None answers.");
        return `${count} of ${urls.length} answer`;
      },
    },
  ];
}

function roundTrip(trip: () => Promise<unknown>): Step {
  return {
    check: "round trip",
    remedy: "Run doctor again.",
    goesOn: true,
    async run() {
      const times: number[] = [];
      for (let count = 0; count < ROUND_TRIPS; count++) {
        const startedAt = performance.now();
        await trip();
        times.push(performance.now() - startedAt);
      }
      times.sort((a, b) => a - b);
      return `${times[Math.floor(ROUND_TRIPS / 2)]?.toFixed(1)} ms, the middle of ${ROUND_TRIPS}`;
    },
  };
}

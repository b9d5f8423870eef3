import { readFile } from "node:fs/promises";
import { isDeepStrictEqual, parseArgs, parseEnv } from "node:util";
import { type ProcessConfig, readConfig, type Variables } from "../../runtime/config/config.ts";
import type { Settings } from "../../runtime/config/settings.ts";
import type { HttpDriver } from "../../runtime/drivers/http/http.ts";
import { StillupError } from "../../runtime/errors.ts";
import { type Manifest, sourcesOf } from "../../runtime/manifest.ts";
import { openDirectSql, openSql, openStream } from "../env.ts";
import { readManifest } from "../load.ts";
import { usedVariable } from "../migrate.ts";
import { streamVariable } from "../reachable.ts";
import { type Finding, take } from "./findings.ts";
import { placesOf } from "./places.ts";
import { connectivitySteps, databaseSteps, migrationSteps, streamSteps, waySteps } from "./steps.ts";

interface DoctorOptions {
  /**
   * `--json` prints one JSON document. Files of variables stand in for `variables`. They come without `--env-file`: Node
   * takes that for itself wherever it stands.
   */
  readonly args: readonly string[];
  readonly variables: Variables;
  /** The folder that build.mjs writes. */
  readonly dist: string;
}

/** The `doctor` command: checks the configuration, and what it names. Resolves with the exit code. */
export async function runDoctor({ args, variables, dist }: DoctorOptions): Promise<0 | 1> {
  const { json, envFiles } = readArguments(args);
  const findings: Finding[] = [];
  const tell = (finding: Finding) => {
    findings.push(finding);
    if (!json) process.stdout.write(`${lineOf(finding)}\n`);
  };
  const manifest = await readManifest(dist);
  const given = envFiles.length === 0 ? variables : await readFiles(envFiles);
  const config = readVariables(given, { settings: manifest.settings, tell });
  if (config !== null) await examine({ config, dist, manifest }, tell);
  const ok = findings.every(({ status }) => status !== "fail");
  if (json) process.stdout.write(`${JSON.stringify({ ok, checks: findings }, null, 2)}\n`);
  return ok ? 0 : 1;
}

function readArguments(args: readonly string[]) {
  const options = { json: { type: "boolean" } } as const;
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    return { json: values.json ?? false, envFiles: positionals };
  } catch (error) {
    throw new StillupError("invalid_configuration", (error as Error).message, { cause: error });
  }
}

/** Later files win, as in Compose. */
async function readFiles(paths: readonly string[]): Promise<Variables> {
  const files = await Promise.all(paths.map(readEnvFile));
  return Object.assign({}, ...files);
}

async function readEnvFile(path: string): Promise<Variables> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new StillupError("invalid_configuration", `The file ${path} cannot be read: ${error.code}.`, {
      cause: error,
    });
  });
  return parseEnv(text);
}

function lineOf({ status, area, check, detail }: Finding): string {
  return `${status.padEnd(4)}  ${area.padEnd(13)}  ${check.padEnd(14)}  ${detail}`;
}

/** Null when they are no configuration. */
function readVariables(
  variables: Variables,
  { settings, tell }: { settings: Settings; tell: (finding: Finding) => void },
): ProcessConfig | null {
  const area = "configuration";
  try {
    const config = readConfig(variables, settings);
    tell({ area, check: "variables", status: "ok", detail: driversOf(config) });
    return config;
  } catch (error) {
    if (!(error instanceof StillupError)) throw error;
    for (const { field, message } of error.errors ?? []) {
      tell({ area, check: field, status: "fail", detail: message });
    }
    for (const area of ["database", "migrations", "streams", "connectivity"] as const) {
      tell({ area, check: "all", status: "skip", detail: "because the configuration failed" });
    }
    return null;
  }
}

function driversOf({ database, stream }: ProcessConfig): string {
  const over = (driver: string) => (driver === "http" ? "HTTP" : "TCP");
  return `the database over ${over(database.driver)}, streams over ${over(stream.driver)}`;
}

interface Examined {
  readonly config: ProcessConfig;
  readonly dist: string;
  readonly manifest: Manifest;
}

async function examine({ config, dist, manifest }: Examined, tell: (finding: Finding) => void): Promise<void> {
  const places = placesOf(config);
  const [sql, direct, stream, http] = await Promise.all([
    openSql(config.database),
    openDirectSql(config),
    openStream(config.stream),
    openHttp(config),
  ]);
  const variable = usedVariable(config);
  const migrations = migrationSteps(direct, { dist, variable });
  const database = [...waySteps(places.database, "DATABASE_URL"), ...databaseSteps(sql, "DATABASE_URL")];
  const streams = {
    stream,
    sources: sourcesOf(manifest),
    variable: config.stream.driver === "http" ? "UPSTASH_REDIS_REST_TOKEN" : "REDIS_URL",
    version: () => versionOf(config),
  };
  try {
    if (isDeepStrictEqual(places.database, places.direct)) {
      await take("database", [...database, ...migrations], tell);
    } else {
      await take("database", database, tell);
      await take("migrations", [...waySteps(places.direct, variable), ...migrations], tell);
    }
    await take("streams", [...waySteps(places.streams, streamVariable(config)), ...streamSteps(streams)], tell);
    await take("connectivity", connectivitySteps(http, urlsOf(config, manifest.settings)), tell);
  } finally {
    await Promise.all([sql.close(), direct.close(), stream.close(), http.close()]);
  }
}

async function openHttp({ networkPolicy: policy }: ProcessConfig): Promise<HttpDriver> {
  const { createUndiciHttp } = await import("../../runtime/drivers/http/undici.ts");
  return createUndiciHttp({ policy, concurrency: 10 });
}

/** The URLs of every setting that is a list of them. */
function urlsOf(config: ProcessConfig, settings: Settings): string[] {
  const values = new Map<string, unknown>(Object.entries(config));
  const lists = Object.keys(settings).filter((name) => settings[name]?.type === "urls");
  return lists.flatMap((name) => values.get(name) as string[]); // what `readSettings` reads for this type
}

async function versionOf({ stream }: ProcessConfig): Promise<string | null> {
  if (stream.driver !== "tcp") return null;
  const { redisVersion } = await import("../../runtime/drivers/stream/redis-version.ts");
  return redisVersion(stream.url);
}

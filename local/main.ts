import { dirname, join } from "node:path";
import { readConfig } from "../runtime/config/config.ts";
import { StillupError } from "../runtime/errors.ts";
import { serviceNames } from "../runtime/manifest.ts";
import { isOperators, runCli } from "./cli/cli.mjs";
import { readManifest } from "./load.ts";
import { onStopSignal } from "./signals.ts";

/** build.mjs writes this file to dist/local. */
const dist = dirname(import.meta.dirname);

const usage = (services: readonly string[]) => `Usage: node dist/local/main.mjs <service>

  ${services.join(", ")}
                      runs until it is stopped
  migrate             brings the schema of the database up to date
  all [folder]        runs everything in this process, without Postgres and Redis; the data is in .data or the folder
  doctor [--json] [file...]
                      checks the configuration, of the variables or of such files, and the services that it names
  health <service>    ends with 0 when the service on this machine is alive
  dead-letters, deliveries <verb>
                      list, show, retry or drop dead letters; --help says more
`;

async function main([command, ...args]: readonly string[]): Promise<void> {
  const variables = process.env;
  const [argument] = args;
  const stop = onStopSignal();
  const manifest = await readManifest(dist);
  const services = serviceNames(manifest);
  if (command !== undefined && services.includes(command)) {
    const { runService } = await import("./run.ts");
    return runService(command, { config: readConfig(variables, manifest.settings), dist, manifest, stop });
  }
  if (command === "all") {
    const { runAll } = await import("./run.ts");
    return runAll({ variables, dist, manifest, stop, folder: argument ?? join(dirname(dist), ".data") });
  }
  if (command === "migrate") {
    const { runMigrate } = await import("./migrate.ts");
    return runMigrate({ config: readConfig(variables, manifest.settings), dist, stop });
  }
  if (command === "doctor") {
    const { runDoctor } = await import("./doctor/doctor.ts");
    stop.signal.addEventListener("abort", () => process.exit(1));
    process.exit(await runDoctor({ args, variables, dist }));
  }
  if (command === "health") {
    const { isAlive } = await import("./healthcheck.ts");
    const { port, workerPort } = readConfig(variables, manifest.settings);
    process.exit((await isAlive(argument === "api" ? port : workerPort)) ? 0 : 1);
  }
  if (command !== undefined && isOperators(command)) {
    stop.signal.addEventListener("abort", () => process.exit(1));
    const keyFile = join(dirname(dist), ".data/api-key");
    process.exit(await runCli({ args: [command, ...args], variables, keyFile }));
  }
  const isHelp = command === "--help" || command === "help";
  (isHelp ? process.stdout : process.stderr).write(usage(services));
  process.exit(isHelp ? 0 : 2);
}

/** Ends the process with 1 and one message. Only an error that Stillup does not raise on purpose shows its stack. */
function fail(error: unknown): never {
  process.stderr.write(`${describe(error)}\n`);
  process.exit(1);
}

function describe(error: unknown): string {
  if (!(error instanceof StillupError)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  const lines = (error.errors ?? []).map(({ field, message }) => `  ${field}: ${message}`);
  return [`stillup: ${error.message}`, ...lines].join("\n");
}

// Stacks in the log name the sources, not the bundles. It costs 6 MB where all functions are loaded.
process.setSourceMapsEnabled(true);
main(process.argv.slice(2)).catch(fail);

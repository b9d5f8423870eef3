import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import type { Readable } from "node:stream";
import { nowMs } from "../testing/monotonic.ts";
import { startLambda } from "../tests/conformance/support/lambda.ts";

/** A function as one host's artefact, and the request that it is asked. */
export interface Probe {
  /** For Lambda a zip, else a module. */
  readonly artefact: string;
  readonly path: string;
  readonly variables: Readonly<Record<string, string>>;
}

export interface ColdOptions {
  /** Where the hosts' own runtimes are installed. */
  readonly runtimes: string;
  /** For what must lie in a file, such as configurations. */
  readonly folder: string;
  /** Neon's emulator, for requests to names of Neon's. */
  readonly neon: { readonly port: string; readonly ca: string };
}

/** Starts a process, has it answer with 200 once, and ends it. Resolves with the milliseconds from the one to the other. */
export type MeasureCold = (probe: Probe, options: ColdOptions) => Promise<number>;

const PATIENCE_MS = 20_000;
const FOLDER = join(import.meta.dirname, "../../bench");

/** Lambda's own runtime client, asking for its first event. */
const measureLambda: MeasureCold = async ({ artefact, path, variables }, options) => {
  const lambda = await startLambda({
    zip: artefact,
    runtimes: options.runtimes,
    variables: { ...variables, ...(await nodeVariables(options)) },
    timeoutMs: PATIENCE_MS,
  });
  try {
    const from = nowMs();
    const result = (await lambda.invoke({
      version: "2.0",
      rawPath: path,
      rawQueryString: "",
      headers: { authorization: `Bearer ${variables["API_KEY"]}` },
      requestContext: { domainName: "stillup.example", http: { method: "GET", path } },
    })) as { readonly statusCode: number };
    return expectOk(result.statusCode, nowMs() - from, lambda.printed());
  } finally {
    await lambda.stop();
  }
};

/** Node alone, with nothing around the handler. */
const measureFetch: MeasureCold = async ({ artefact, path, variables }, options) => {
  const args = [join(FOLDER, "cold-fetch.mjs"), artefact, path];
  const env = { PATH: process.env["PATH"], ...variables, ...(await nodeVariables(options)) };
  const from = nowMs();
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  try {
    const status = await firstOf(child.stdout);
    return expectOk(Number(status), nowMs() - from, "");
  } finally {
    await kill(child);
  }
};

/** workerd, from its start to the answer to a request that is made once it listens. */
const measureCloudflare: MeasureCold = async (probe, options) => {
  const workerd: unknown = createRequire(join(options.runtimes, "package.json"))("workerd");
  const { default: program } = workerd as { readonly default: string };
  const file = join(options.folder, "config.capnp");
  await writeFile(file, workerdConfig(probe, options));
  const from = nowMs();
  const child = spawn(program, ["serve", "--control-fd=3", file], { stdio: ["ignore", "inherit", "inherit", "pipe"] });
  try {
    const { port } = JSON.parse(await firstOf(child.stdio[3] as Readable)) as { readonly port: number };
    const headers = { authorization: `Bearer ${probe.variables["API_KEY"]}`, connection: "close" };
    const response = await fetch(`http://127.0.0.1:${port}${probe.path}`, { headers });
    await response.arrayBuffer();
    return expectOk(response.status, nowMs() - from, "");
  } finally {
    await kill(child);
  }
};

export const coldHosts: Readonly<Record<"lambda" | "cloudflare" | "fetch", MeasureCold>> = {
  lambda: measureLambda,
  cloudflare: measureCloudflare,
  fetch: measureFetch,
};

/** For processes of Node's: what sends them to Neon's emulator, the same for every function. */
async function nodeVariables({ folder, neon }: ColdOptions) {
  await mkdir(folder, { recursive: true });
  const file = join(folder, "ca.pem");
  await writeFile(file, neon.ca);
  return {
    NODE_EXTRA_CA_CERTS: file,
    NODE_OPTIONS: `--import=${join(FOLDER, "cold-route.mjs")}`,
    NEON_PORT: neon.port,
  };
}

function workerdConfig({ artefact, variables }: Probe, { folder, neon }: ColdOptions): string {
  const quoted = JSON.stringify; // Cap'n Proto's strings are C's
  const bindings = Object.entries(variables).map(
    ([name, value]) => `(name = ${quoted(name)}, text = ${quoted(value)})`,
  );
  const host = new URL(variables["DATABASE_URL"] ?? "").hostname.replace(/^[^.]+/, "api");
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "index.mjs", esModule = embed ${quoted(relative(folder, artefact))})],
      compatibilityDate = "2026-04-01",
      compatibilityFlags = ["nodejs_compat"],
      bindings = [${bindings.join(", ")}],
      globalOutbound = "neon")),
    (name = "neon", external = (
      address = "127.0.0.1:${neon.port}",
      https = (certificateHost = ${quoted(host)}, tlsOptions = (trustedCertificates = [${quoted(neon.ca)}])))),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`;
}

function expectOk(status: number, ms: number, printed: string): number {
  if (status !== 200) throw new Error(`A cold start answered ${status}. ${printed}`);
  return ms;
}

/** The first line, which comes in one piece. */
async function firstOf(stream: Readable): Promise<string> {
  const [bytes] = (await once(stream, "data", { signal: AbortSignal.timeout(PATIENCE_MS) })) as [Buffer];
  return bytes.toString();
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

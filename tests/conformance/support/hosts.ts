import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { buildHost } from "../../../build/hosts.mjs";
import { build } from "../../../build/project.mjs";
import { NEON_HOST } from "../../../testing/neon.ts";
import { type ServiceName, startService } from "../../../testing/services.ts";
import { gateway, queueEvent } from "./api-gateway.ts";
import { startCloudflare } from "./cloudflare.ts";
import { type Host, sendHttp } from "./host.ts";
import { startLambda } from "./lambda.ts";
import { installRuntimes } from "./runtimes.ts";
import { API_KEY, type HostServices } from "./services.ts";

export interface StartOptions {
  readonly services: HostServices;
  /** The folder that holds functions/. */
  readonly root: string;
  /** For what is built. */
  readonly outDir: string;
}

export type StartHost = (options: StartOptions) => Promise<Host>;

const project = join(import.meta.dirname, "../../..");
const cache = join(project, "node_modules/.cache/stillup");

/** A project with the functions of the fixture in place of its own. */
export async function makeFixtureRoot(): Promise<{ root: string; remove(): Promise<void> }> {
  await mkdir(cache, { recursive: true });
  const root = await mkdtemp(join(cache, "fixture-"));
  await symlink(join(import.meta.dirname, "../fixture/functions"), join(root, "functions"));
  for (const name of ["domain", "runtime", "local", "hosts", "migrations"]) {
    await symlink(join(project, name), join(root, name));
  }
  return { root, remove: () => rm(root, { recursive: true }) };
}

export const startOnLambda: StartHost = async ({ services, root, outDir }) => {
  const [built] = await buildHost({ host: "lambda", only: ["all"], root, outDir });
  const lambda = await startLambda({
    zip: built?.zip ?? "",
    runtimes: await installRuntimes(),
    variables: { ...services.variables, ...services.nodeVariables },
    timeoutMs: 15_000,
  });
  return {
    send: (request) => gateway(request, (event) => lambda.invoke(event)),
    tick: async () => void (await lambda.invoke({ version: "0", id: "t", "detail-type": "Scheduled Event" })),
    async queue(messages, { inOrder = false } = {}) {
      const result = await lambda.invoke(queueEvent(messages, inOrder ? "stillup-work-due.fifo" : "stillup-work-due"));
      const { batchItemFailures } = result as { batchItemFailures: { itemIdentifier: string }[] };
      return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
    },
    printed: lambda.printed,
    stop: lambda.stop,
  };
};

export const startOnCloudflare: StartHost = async ({ services, root, outDir }) => {
  const [built] = await buildHost({ host: "cloudflare", only: ["all"], root, outDir });
  const worker = await startCloudflare({
    file: built?.file ?? "",
    runtimes: await installRuntimes(),
    variables: services.variables,
    neon: { port: services.neon.address.port, ca: services.neon.ca, host: NEON_HOST.replace(/^[^.]*/, "api") },
  });
  return {
    send: (request) => sendHttp(worker.origin, request),
    async tick() {
      const outcome = await worker.scheduled();
      if (outcome !== "ok") throw new Error(`The tick ended with ${outcome}.\n${worker.printed()}`);
    },
    async queue(messages) {
      const { outcome, explicitAcks, retryMessages } = await worker.queue("stillup-work-due", messages);
      const again = retryMessages.map(({ msgId }) => msgId);
      const missing = messages.filter(({ id }) => !explicitAcks.includes(id) && !again.includes(id));
      if (outcome !== "ok" || missing.length > 0)
        throw new Error(`The batch ended with ${outcome}.\n${worker.printed()}`);
      return again;
    },
    printed: worker.printed,
    stop: worker.stop,
  };
};

export const startOnFetch: StartHost = async ({ services, root, outDir }) => {
  const [built] = await buildHost({ host: "fetch", only: ["all"], root, outDir });
  const server = await startNode(join(import.meta.dirname, "serve-fetch.mjs"), [built?.file ?? ""], {
    ...services.variables,
    ...services.nodeVariables,
    DRAIN_SECONDS: "5",
  });
  return {
    send: (request) => sendHttp(server.origin, request),
    async tick() {
      const headers = [["authorization", `Bearer ${API_KEY}`]] as const;
      const { status, body } = await sendHttp(server.origin, { method: "GET", path: "/internal/work", headers });
      if (status !== 200) throw new Error(`The tick was answered with ${status}: ${body}\n${server.printed()}`);
    },
    printed: server.printed,
    stop: server.stop,
  };
};

/** The API and the workers as processes, here with the same services over HTTP. */
export const startLocally: StartHost = async ({ services, root, outDir }) => {
  const { functions } = await build({ root, outDir });
  const workers = functions.filter(({ kind }) => kind === "workers").map(({ name }) => `worker-${name}` as ServiceName);
  // Else a process, which knows what it has seen, would not look for what others left within a minute.
  const variables = { ...services.variables, ...services.nodeVariables, WORKER_LEASE_SECONDS: "5" };
  const running = await Promise.all(
    ["api" as const, ...workers].map((name) => startService(name, { dist: outDir, variables })),
  );
  return {
    send: (request) => sendHttp(running[0]?.origin ?? "", request),
    printed: () => running.map((service) => service.printed()).join(""),
    async stop() {
      await Promise.all(running.map((service) => service.stop()));
    },
  };
};

interface NodeProcess {
  readonly origin: string;
  printed(): string;
  stop(): Promise<void>;
}

/** A program that prints where it serves. */
async function startNode(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<NodeProcess> {
  const child = spawn(process.execPath, [program, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  const killWithParent = () => child.kill("SIGKILL");
  process.once("exit", killWithParent);
  let printed = "";
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    printed += part;
  });
  const origin = await firstLine(child, () => printed);
  return {
    origin,
    printed: () => printed,
    async stop() {
      process.off("exit", killWithParent);
      if (child.exitCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    },
  };
}

async function firstLine({ stdout }: ChildProcess, printed: () => string): Promise<string> {
  if (stdout === null) throw new Error("It has no output.");
  for await (const line of createInterface(stdout)) {
    stdout.resume();
    return line;
  }
  throw new Error(`It ended at once:\n${printed()}`);
}

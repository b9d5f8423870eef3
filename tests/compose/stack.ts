import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { lockFolder } from "../../runtime/drivers/sql/folder-lock.ts";
import { freePort } from "../../testing/ports.ts";

const root = join(import.meta.dirname, "../..");
const run = promisify(execFile);

/** Why these tests cannot run here, and what to do; null when they can. */
export const engineMissing = findEngine()
  ? null
  : " (skipped: no Docker engine with Compose answers; install Docker, or start it, and see that `docker info` works)";

function findEngine(): boolean {
  const answers = (...args: string[]) => spawnSync("docker", args, { stdio: "ignore", timeout: 20_000 }).status === 0;
  return answers("info") && answers("compose", "version");
}

export interface Container {
  readonly id: string;
  readonly name: string;
  readonly service: string;
  readonly startedAt: string;
  readonly health: string | null;
  readonly exitCode: number;
  readonly restartCount: number;
}

/** A stack as a project of its own, on free ports of this machine. */
export interface Stack {
  readonly apiUrl: string;
  /** Where the emulators are told what to do wrong, in the stack that has them. */
  readonly controls: { readonly neon: string; readonly upstash: string };
  /** `docker compose <args>`; resolves with what it printed. */
  compose(...args: string[]): Promise<string>;
  /** The same for a command that may fail; resolves with all that it printed. */
  tryCompose(...args: string[]): Promise<{ readonly exitCode: number; readonly output: string }>;
  /** Every container of the project, stopped ones too. */
  containers(): Promise<Container[]>;
  docker(...args: string[]): Promise<string>;
  /** Takes everything down, and leaves the project to the next run. */
  remove(): Promise<void>;
  /** What a container has printed, on both ways. */
  logs(container: string): Promise<string>;
}

export interface StackOptions {
  /** Compose files; docker-compose.yml when left out. */
  readonly files?: readonly string[];
  /** What the files' own paths begin at; the repository when left out. */
  readonly directory?: string;
  /** The name that Stillup's image gets. */
  readonly image?: string;
}

/**
 * Brings nothing up yet; takes down what a run that was killed has left of the project. `envFile` stands in for the `.env`
 * that Compose reads by itself.
 * @throws Error while another run on this machine has the project.
 */
export async function createStack(project: string, envFile: string, options: StackOptions = {}): Promise<Stack> {
  const { files = ["docker-compose.yml"], directory = ".", image = "stillup-compose-test" } = options;
  const names = ["API", "POSTGRES", "REDIS", "NEON_CONTROL", "UPSTASH_CONTROL"];
  const ports: Record<string, string> = {};
  for (const name of names) ports[`STILLUP_${name}_PORT`] = `${await freePort()}`;
  const urlOf = (name: string) => `http://127.0.0.1:${ports[`STILLUP_${name}_PORT`]}`;
  const env = { ...process.env, ...ports, STILLUP_TEST_IMAGE: image };
  const docker = async (...args: string[]) => {
    const { stdout } = await run("docker", args, { cwd: root, env, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  };
  const all = [...files, "tests/compose/images.yml"].flatMap((file) => ["--file", join(root, file)]);
  const where = ["--project-name", project, "--project-directory", directory, "--env-file", envFile, ...all];
  const compose: Stack["compose"] = (...args) => docker("compose", ...where, ...args);
  const tryCompose: Stack["tryCompose"] = async (...args) => {
    const child = spawn("docker", ["compose", ...where, ...args], {
      cwd: root,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (output += String(part)));
    const [exitCode] = await once(child, "close");
    return { exitCode, output };
  };
  const down = () => compose("down", "--volumes", "--remove-orphans", "--timeout", "1");
  const unlock = await lock(project);
  try {
    await down();
  } catch (error) {
    await unlock();
    throw error;
  }
  return {
    apiUrl: urlOf("API"),
    controls: { neon: urlOf("NEON_CONTROL"), upstash: urlOf("UPSTASH_CONTROL") },
    docker,
    compose,
    tryCompose,
    async remove() {
      await down().finally(unlock);
    },
    async logs(container) {
      const { stdout, stderr } = await run("docker", ["logs", container]);
      return stdout + stderr;
    },
    async containers() {
      const ids = (
        await docker("ps", "--all", "--quiet", "--filter", `label=com.docker.compose.project=${project}`)
      ).split("\n");
      const found = await docker("inspect", ...ids.filter((id) => id !== ""));
      return (JSON.parse(found) as Inspected[]).map(toContainer).sort((a, b) => a.name.localeCompare(b.name));
    },
  };
}

/** Ends with this process at the latest. */
async function lock(project: string): Promise<() => Promise<void>> {
  try {
    return await lockFolder(join(tmpdir(), project));
  } catch (cause) {
    const what = `Another run on this machine uses the Compose project ${project}.`;
    throw new Error(`${what} Wait for its end, or stop it.`, { cause });
  }
}

interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly RestartCount: number;
  readonly State: {
    readonly StartedAt: string;
    readonly ExitCode: number;
    readonly Health?: { readonly Status: string };
  };
  readonly Config: { readonly Labels: Readonly<Record<string, string>> };
}

function toContainer({ Id, Name, RestartCount, State, Config }: Inspected): Container {
  return {
    id: Id,
    name: Name.slice(1),
    service: Config.Labels["com.docker.compose.service"] ?? "",
    startedAt: State.StartedAt,
    health: State.Health?.Status ?? null,
    exitCode: State.ExitCode,
    restartCount: RestartCount,
  };
}

/** A webhook as it came. */
export interface Received {
  readonly type: string;
  readonly id: string;
  readonly monitorId: string;
}

/** What the stack watches and tells: `/target` answers `up` or not, everything else takes webhooks. */
export interface Host {
  /** How containers see it. */
  readonly url: string;
  up: boolean;
  /** Requests to the target so far. */
  checks(): number;
  /** Keeps the target from answering until what it returns is called. */
  hold(): () => void;
  /** Requests to the target that wait for their answer. */
  held(): number;
  readonly received: readonly Received[];
  close(): Promise<void>;
}

/** Listens on all interfaces, because containers come in through another one than loopback. */
export async function startHost(): Promise<Host> {
  const received: Received[] = [];
  let checks = 0;
  let held = 0;
  let holding: Promise<void> | undefined;
  const server = createServer(async (request, response) => {
    if (request.url === "/target") {
      checks += 1;
      held += 1;
      await holding;
      held -= 1;
      response.writeHead(host.up ? 200 : 503).end();
      return;
    }
    let text = "";
    for await (const part of request) text += String(part);
    const { id, type, data } = JSON.parse(text) as { id: string; type: string; data: { monitor: { id: string } } };
    received.push({ id, type, monitorId: data.monitor.id });
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const host: Host = {
    url: `http://host.docker.internal:${port}`,
    up: true,
    checks: () => checks,
    hold() {
      let release = () => {};
      holding = new Promise((resolve) => {
        release = () => {
          holding = undefined;
          resolve();
        };
      });
      return release;
    },
    held: () => held,
    received,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  return host;
}

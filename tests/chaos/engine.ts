import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const TIMEOUT_MS = 90_000;

/** What is done to the containers of one project. Each call throws what the engine says when it was not done. */
export interface Engine {
  /** The ids of a service's containers that run, the first one first. */
  running(service: string): Promise<string[]>;
  kill(container: string): Promise<void>;
  start(container: string): Promise<void>;
  /** As the engine stops: the stop signal, the service's grace, then SIGKILL. */
  restart(container: string): Promise<void>;
  /** SIGSTOP to each process in it but the first, which only passes signals on. */
  freeze(container: string): Promise<void>;
  resume(container: string): Promise<void>;
  /** Takes it off the network; resolves with what puts it back under its names. */
  cutOff(container: string): Promise<() => Promise<void>>;
  exec(container: string, ...command: string[]): Promise<string>;
}

export function createEngine(project: string): Engine {
  const exec: Engine["exec"] = (container, ...command) => docker("exec", container, ...command);
  // Not by `docker kill --signal`: the engine takes any signal for a wish to stop, and forgets its restart policy.
  const signal = (name: "STOP" | "CONT") => async (container: string) =>
    void (await exec(container, "sh", "-c", `kill -${name} -1`));
  return {
    exec,
    async running(service) {
      const labels = [`project=${project}`, `service=${service}`, "oneoff=False"];
      const filters = labels.flatMap((label) => ["--filter", `label=com.docker.compose.${label}`]);
      const format = '{{.ID}} {{.Label "com.docker.compose.container-number"}}';
      const lines = (await docker("ps", ...filters, "--filter", "status=running", "--format", format)).split("\n");
      const found = lines.filter((line) => line !== "").map((line) => line.split(" "));
      return found.sort((a, b) => Number(a[1]) - Number(b[1])).map(([id = ""]) => id);
    },
    kill: async (container) => void (await docker("kill", container)),
    start: async (container) => void (await docker("start", container)),
    restart: async (container) => void (await docker("restart", container)),
    freeze: signal("STOP"),
    resume: signal("CONT"),
    async cutOff(container) {
      const format = "{{json .NetworkSettings.Networks}}";
      const networks = JSON.parse(await docker("inspect", "--format", format, container)) as Networks;
      const [[network, { Aliases }] = ["", { Aliases: [] }]] = Object.entries(networks);
      await docker("network", "disconnect", network, container);
      const names = Aliases.flatMap((alias) => ["--alias", alias]);
      return async () => void (await docker("network", "connect", ...names, network, container));
    },
  };
}

type Networks = Readonly<Record<string, { readonly Aliases: readonly string[] }>>;

async function docker(...args: readonly string[]): Promise<string> {
  const { stdout } = await run("docker", args, { timeout: TIMEOUT_MS, maxBuffer: 256 * 1024 * 1024 });
  return stdout;
}

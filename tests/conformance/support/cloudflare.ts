import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

export interface CloudflareOptions {
  /** As build/hosts.mjs wrote it. */
  readonly file: string;
  /** Where workerd is installed. */
  readonly runtimes: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Where requests to Neon's names go, and who vouches for it. */
  readonly neon: { readonly port: string; readonly ca: string; readonly host: string };
}

export interface QueuedMessage {
  readonly id: string;
  readonly body: unknown;
  readonly attempts: number;
}

/** What workerd says became of a batch. */
export interface QueueOutcome {
  readonly outcome: string;
  readonly ackAll: boolean;
  readonly explicitAcks: readonly string[];
  readonly retryMessages: readonly { readonly msgId: string; readonly delaySeconds?: number }[];
}

/** A Worker in Cloudflare's own runtime. */
export interface Cloudflare {
  readonly origin: string;
  /** Resolves with the outcome, `ok` when nothing was thrown. */
  scheduled(): Promise<string>;
  queue(queue: string, messages: readonly QueuedMessage[]): Promise<QueueOutcome>;
  printed(): string;
  stop(): Promise<void>;
}

const COMPATIBILITY = 'compatibilityDate = "2026-04-01", compatibilityFlags = ["nodejs_compat"]';

/** Everything goes where it says, but for Neon. */
const OUTBOUND = `export default {
  fetch: (request, { NEON, NETWORK }) =>
    (new URL(request.url).hostname.endsWith(".neon.tech") ? NEON : NETWORK).fetch(request),
};`;

/** Calls what no request can: the handlers of ticks and queues. */
const DRIVER = `export default {
  async fetch(request, { APP }) {
    const { queue, messages } = await request.json();
    if (queue === undefined) return Response.json(await APP.scheduled({ scheduledTime: new Date(), cron: "* * * * *" }));
    const dated = messages.map((message) => ({ ...message, timestamp: new Date() }));
    return Response.json(await APP.queue(queue, dated));
  },
};`;

export async function startCloudflare(options: CloudflareOptions): Promise<Cloudflare> {
  const folder = await mkdtemp(join(tmpdir(), "stillup-workerd-"));
  await copyFile(options.file, join(folder, "index.mjs"));
  const files = { "outbound.mjs": OUTBOUND, "driver.mjs": DRIVER, "config.capnp": config(options) };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const program = join(options.runtimes, "node_modules/workerd/bin/workerd");
  const args = ["serve", "--experimental", "--control-fd=3", join(folder, "config.capnp")];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe", "pipe"] });
  const killWithParent = () => child.kill("SIGKILL");
  process.once("exit", killWithParent);
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (part: string) => {
      printed += part;
    });
  }
  const ports = await portsOf(child, () => printed);
  const drive = async (call: unknown) => {
    const body = JSON.stringify(call);
    const answer = await fetch(`http://127.0.0.1:${ports.get("driver")}/`, { method: "POST", body });
    if (!answer.ok) throw new Error(`The driver answered ${answer.status}: ${await answer.text()}\n${printed}`);
    return answer.json();
  };
  return {
    origin: `http://127.0.0.1:${ports.get("http")}`,
    printed: () => printed,
    scheduled: async () => ((await drive({})) as { outcome: string }).outcome,
    queue: async (queue, messages) => (await drive({ queue, messages })) as QueueOutcome,
    async stop() {
      process.off("exit", killWithParent);
      const ended = once(child, "exit");
      if (child.exitCode === null) child.kill("SIGKILL");
      if (child.exitCode === null) await ended;
      await rm(folder, { recursive: true });
    },
  };
}

/** workerd tells on its fourth file descriptor where each socket listens. */
async function portsOf(child: ChildProcess, printed: () => string): Promise<Map<string, number>> {
  const ports = new Map<string, number>();
  const failed = once(child, "exit").then(() => {
    throw new Error(`workerd did not start:\n${printed()}`);
  });
  const told = (async () => {
    for await (const line of createInterface(child.stdio[3] as Readable)) {
      const { event, socket, port } = JSON.parse(line) as { event: string; socket: string; port: number };
      if (event === "listen") ports.set(socket, port);
      if (ports.size === 2) return;
    }
  })();
  await Promise.race([told, failed]);
  failed.catch(() => {}); // it ends when the test does
  return ports;
}

function config({ variables, neon }: CloudflareOptions): string {
  const text = (value: string) => JSON.stringify(value);
  const bindings = Object.entries(variables).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "app", worker = (
      modules = [(name = "index.mjs", esModule = embed "index.mjs")], ${COMPATIBILITY},
      bindings = [${bindings.join(", ")}], globalOutbound = "outbound",
    )),
    (name = "outbound", worker = (
      modules = [(name = "outbound.mjs", esModule = embed "outbound.mjs")], ${COMPATIBILITY},
      bindings = [(name = "NEON", service = "neon"), (name = "NETWORK", service = "network")],
    )),
    (name = "driver", worker = (
      modules = [(name = "driver.mjs", esModule = embed "driver.mjs")], compatibilityDate = "2026-04-01",
      compatibilityFlags = ["nodejs_compat", "service_binding_extra_handlers", "experimental"],
      bindings = [(name = "APP", service = "app")],
    )),
    (name = "neon", external = (address = "127.0.0.1:${neon.port}", https = (
      certificateHost = ${text(neon.host)}, tlsOptions = (trustedCertificates = [${text(neon.ca)}]),
    ))),
    (name = "network", network = (allow = ["public", "private"])),
  ],
  sockets = [
    (name = "http", address = "127.0.0.1:0", http = (), service = "app"),
    (name = "driver", address = "127.0.0.1:0", http = (), service = "driver"),
  ],
);
`;
}

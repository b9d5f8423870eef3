import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { unzipSync } from "fflate";

export interface LambdaOptions {
  /** As build/hosts.mjs wrote it. */
  readonly zip: string;
  /** Where aws-lambda-ric is installed. */
  readonly runtimes: string;
  readonly variables: Readonly<Record<string, string>>;
  /** The function's time-out. */
  readonly timeoutMs: number;
}

/** A function as Lambda runs it: its own runtime client, in a process that takes one event at a time. */
export interface Lambda {
  /** Resolves with what the handler answered. Throws what Lambda would tell of an error, a time-out included. */
  invoke(event: unknown): Promise<unknown>;
  /** What its processes have printed. */
  printed(): string;
  stop(): Promise<void>;
}

interface Invocation {
  readonly id: string;
  readonly event: string;
  deadline: number;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** Processes are started as events need them, and kept. */
export async function startLambda(options: LambdaOptions): Promise<Lambda> {
  const folder = await mkdtemp(join(tmpdir(), "stillup-lambda-"));
  for (const [name, bytes] of Object.entries(unzipSync(await readFile(options.zip)))) {
    await writeFile(join(folder, name), bytes);
  }
  let printed = "";
  const instances = new Set<Instance>();
  const idle: Instance[] = [];
  const open = async () => {
    const instance = await startInstance({ ...options, folder, print: (part) => (printed += part) });
    instances.add(instance);
    return instance;
  };
  return {
    printed: () => printed,
    async invoke(event) {
      const instance = idle.pop() ?? (await open());
      try {
        const result = await instance.invoke(event);
        idle.push(instance);
        return result;
      } catch (error) {
        if (instance.isAlive()) idle.push(instance);
        throw error;
      }
    },
    async stop() {
      for (const instance of instances) await instance.stop();
      await rm(folder, { recursive: true });
    },
  };
}

interface Instance {
  invoke(event: unknown): Promise<unknown>;
  isAlive(): boolean;
  stop(): Promise<void>;
}

/** One process, and the Runtime API that its client asks for events. */
async function startInstance(
  options: LambdaOptions & { readonly folder: string; print(part: string): void },
): Promise<Instance> {
  let current: Invocation | undefined;
  let next: ServerResponse | undefined;
  let child: ChildProcess | undefined;

  const give = () => {
    if (next === undefined || current === undefined) return;
    current.deadline = Date.now() + options.timeoutMs;
    next.writeHead(200, {
      "content-type": "application/json",
      "lambda-runtime-aws-request-id": current.id,
      "lambda-runtime-deadline-ms": String(current.deadline),
      "lambda-runtime-invoked-function-arn": "arn:aws:lambda:eu-central-1:000000000000:function:stillup",
    });
    next.end(current.event);
    next = undefined;
  };
  const fail = (message: string) => current?.reject(new Error(message));
  const onRequest = async (request: IncomingMessage, response: ServerResponse) => {
    const [, , , ...path] = request.url?.split("/") ?? []; // /2018-06-01/runtime/...
    if (path.at(-1) === "next") {
      next = response;
      give();
      return;
    }
    const body = await text(request);
    response.writeHead(202).end();
    if (path.at(-1) === "response") current?.resolve(body === "" ? undefined : JSON.parse(body));
    else fail(body);
  };
  const server = createServer((request, response) => void onRequest(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // it listens on TCP

  const killWithParent = () => child?.kill("SIGKILL");
  const start = () => {
    child = spawn(
      process.execPath,
      [join(options.runtimes, "node_modules/aws-lambda-ric/index.mjs"), "index.handler"],
      {
        cwd: options.folder,
        env: {
          PATH: process.env["PATH"],
          ...options.variables,
          _HANDLER: "index.handler",
          LAMBDA_TASK_ROOT: options.folder,
          AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
          AWS_LAMBDA_FUNCTION_NAME: "stillup",
          AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
          AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "512",
          AWS_LAMBDA_LOG_GROUP_NAME: "stillup",
          AWS_LAMBDA_LOG_STREAM_NAME: "stillup",
        },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    process.once("exit", killWithParent);
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", options.print);
    child.once("exit", (code) => fail(`Runtime exited with ${code}`));
  };
  start();
  const kill = async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  };

  return {
    isAlive: () => child !== undefined && child.exitCode === null && child.signalCode === null,
    async invoke(event) {
      let timer: NodeJS.Timeout | undefined;
      try {
        return await new Promise((resolve, reject) => {
          current = { id: randomUUID(), event: JSON.stringify(event), deadline: 0, resolve, reject };
          give();
          // Starting takes time of its own, which is not the function's.
          timer = setTimeout(() => {
            reject(new Error(`Task timed out after ${options.timeoutMs} ms`));
            void kill();
          }, options.timeoutMs + 10_000);
        });
      } finally {
        clearTimeout(timer);
        current = undefined;
      }
    },
    async stop() {
      process.off("exit", killWithParent);
      await kill();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

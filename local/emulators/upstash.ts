import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { createSecureContext } from "node:tls";
import { Redis, ReplyError } from "ioredis";
import { sleep } from "../../runtime/sleep.ts";
import type { Authority } from "./certificate.ts";
import { type EmulatedAnswer, encodeResult, errorAnswer } from "./upstash-answers.ts";
import { createBilling } from "./upstash-billing.ts";
import {
  type CommandAnswer,
  CommandRefusal,
  createUpstashCommands,
  type RawCommand,
  type UpstashCommands,
} from "./upstash-commands.ts";
import { createUpstashFaults, type UpstashFaultPlayer } from "./upstash-faults.ts";
import { createUpstashSubscriptions, type UpstashSubscriptions } from "./upstash-subscriptions.ts";
import { startUpstashTcp } from "./upstash-tcp.ts";

interface UpstashEmulatorOptions {
  /** The Redis behind the emulator. */
  readonly redisUrl: string;
  /** The bearer token that clients must send. */
  readonly token: string;
  readonly host?: string;
  readonly port?: number;
  /** With it: HTTPS under this name, and Redis' own protocol over TLS. Without it: plain HTTP only. */
  readonly tls?: { readonly authority: Authority; readonly name: string; readonly tcpPort?: number };
}

/** A running emulator of Upstash's REST API: `/`, `/pipeline`, `/multi-exec` and `/subscribe/<channel>`. */
export interface UpstashEmulator {
  readonly url: string;
  /** The port for `rediss://`. Null without TLS. */
  readonly tcpPort: number | null;
  readonly faults: UpstashFaultPlayer;
  readonly subscriptions: Pick<UpstashSubscriptions, "size" | "cut">;
  /** The commands that Upstash would charge for, by name in lower case. */
  readonly billed: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

export async function startUpstashEmulator(options: UpstashEmulatorOptions): Promise<UpstashEmulator> {
  const { redisUrl, token, host = "127.0.0.1", port = 0, tls } = options;
  // Without these a silently dead connection would block every request for 15 minutes.
  const timeouts = { connectTimeout: 2_000, socketTimeout: 3_000 };
  const redis = new Redis(redisUrl, { protocol: 2, maxRetriesPerRequest: 0, ...timeouts });
  // Each request that needs Redis fails by itself.
  redis.on("error", () => {});
  const billing = createBilling();
  const faults = createUpstashFaults();
  const subscriptions = createUpstashSubscriptions(redis, faults.current, billing);
  const listener = listen({ token, faults, subscriptions, commands: createUpstashCommands(redis, billing) });
  const secured = tls === undefined ? null : await tlsOptions(tls, faults);
  const server = secured === null ? createServer(listener) : createTlsServer(secured, listener);
  server.listen(port, host);
  await once(server, "listening");
  const tcp =
    secured === null ? null : await startUpstashTcp({ redisUrl, tls: secured, host, port: tls?.tcpPort ?? 0 });
  const address = server.address() as AddressInfo;
  return {
    url: tls === undefined ? `http://${host}:${address.port}` : `https://${tls.name}:${address.port}`,
    tcpPort: tcp?.port ?? null,
    faults,
    subscriptions,
    billed: billing.byName,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await Promise.all([closed, tcp?.close()]);
      redis.disconnect();
    },
  };
}

async function tlsOptions(
  { authority, name }: NonNullable<UpstashEmulatorOptions["tls"]>,
  faults: UpstashFaultPlayer,
): Promise<ServerOptions> {
  const valid = await authority.issue([name]);
  const expired = await authority.issue([name], { until: new Date(Date.now() - 86_400_000) });
  const SNICallback: ServerOptions["SNICallback"] = (_name, done) =>
    done(null, createSecureContext(faults.current.expiredCertificate ? expired : valid));
  return { ...valid, SNICallback };
}

interface Parts {
  readonly token: string;
  readonly faults: UpstashFaultPlayer;
  readonly subscriptions: UpstashSubscriptions;
  readonly commands: UpstashCommands;
}

const noSignal = new AbortController().signal;

function listen({ token, faults, subscriptions, commands }: Parts): RequestListener {
  let answered = 0;
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = new URL(request.url ?? "/", "http://emulator").pathname;
    const body = await text(request);
    await sleep(faults.current.latencyMs / 2, noSignal);
    const refusal = faults.takeAnswer(`${path} ${body}`);
    if (refusal !== null) return send(response, errorAnswer(refusal.status, refusal.error));
    if (!["HEAD", "GET", "POST", "PUT"].includes(request.method ?? "")) return send(response, errorAnswer(405));
    if (request.headers.authorization !== `Bearer ${token}`) return send(response, errorAnswer(401));
    const [, channel] = /^\/subscribe\/(.+)$/.exec(path) ?? [];
    if (channel !== undefined) return subscriptions.open(decodeURIComponent(channel), response);

    const isBase64 = request.headers["upstash-encoding"] === "base64";
    const answer = await carryOut(commands, { path, body, isBase64 });
    await sleep(faults.current.latencyMs / 2, noSignal);
    if (faults.takeDroppedReply(`${path} ${body}`)) return void request.socket.destroy();
    response.setHeader("upstash-sync-token", `emulator-${++answered}`);
    send(response, answer);
  };
  return (request, response) => {
    serve(request, response).catch(() => response.destroy());
  };
}

/** The limit on a request's bytes on Upstash's smaller plans. */
const MAX_BYTES = 1024 * 1024;

async function carryOut(
  commands: UpstashCommands,
  { path, body, isBase64 }: { path: string; body: string; isBase64: boolean },
): Promise<EmulatedAnswer> {
  const item = (answer: CommandAnswer) =>
    answer instanceof Error ? { error: answer.message } : { result: encodeResult(answer, isBase64) };
  try {
    const size = Buffer.byteLength(body);
    if (size > MAX_BYTES)
      throw new CommandRefusal(`ERR max request size exceeded. Limit: ${MAX_BYTES}, Actual: ${size}`);
    if (path === "/") return { status: 200, content: item(await commands.one(parse(body))) };
    const list = parse(body) as readonly RawCommand[];
    if (path === "/pipeline") return { status: 200, content: (await commands.pipeline(list)).map(item) };
    if (path === "/multi-exec") return { status: 200, content: (await commands.transaction(list)).map(item) };
    return errorAnswer(404);
  } catch (error) {
    const { message } = error as Error;
    return errorAnswer(error instanceof CommandRefusal || error instanceof ReplyError ? 400 : 500, message);
  }
}

function parse(body: string): RawCommand {
  const parsed = parseJson(body);
  if (!Array.isArray(parsed)) throw new CommandRefusal("ERR failed to parse the request: it must be a JSON array");
  return parsed;
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

function send(response: ServerResponse, { status, content }: EmulatedAnswer): void {
  const isText = typeof content === "string";
  response.writeHead(status, { "content-type": isText ? "text/html" : "application/json" });
  response.end(isText ? content : JSON.stringify(content));
}

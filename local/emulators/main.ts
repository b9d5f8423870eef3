// Runs the emulator that the first argument names, `neon` or `upstash`, until SIGTERM or SIGINT.
//   EMULATOR_HOST             the host name in its certificate
//   EMULATOR_FOLDER           keeps the certificate authority; clients set NODE_EXTRA_CA_CERTS to its ca.pem
//   EMULATOR_PORT             HTTPS (default 443)
//   EMULATOR_CONTROL_PORT     the control server in plain HTTP (default 8080); see control.ts
//   EMULATOR_TCP_PORT         the service's own protocol over TLS (default 5432 for neon, 6379 for upstash)
//   DATABASE_URL              neon only: the Postgres behind it
//   REDIS_URL                 upstash only: the Redis behind it
//   UPSTASH_REDIS_REST_TOKEN  upstash only: the token that clients must send
import { once } from "node:events";
import { type Authority, openAuthority } from "./certificate.ts";
import { type Controlled, startControl } from "./control.ts";
import { startNeonEmulator } from "./neon.ts";
import { startUpstashEmulator } from "./upstash.ts";

type Running = Controlled & { close(): Promise<void> };

const LISTEN_ON = "0.0.0.0";

function variable(name: string, fallback?: string): string {
  const value = process.env[name] || fallback;
  if (value === undefined) throw new Error(`${name} is not set. Set it as local/emulators/main.ts describes.`);
  return value;
}

async function startNeon(authority: Authority): Promise<Running> {
  const { hostname, port } = new URL(variable("DATABASE_URL"));
  const emulator = await startNeonEmulator({
    authority,
    postgres: { host: hostname, port: Number(port || 5432) },
    host: variable("EMULATOR_HOST"),
    listenOn: LISTEN_ON,
    httpsPort: Number(variable("EMULATOR_PORT", "443")),
    tcpPort: Number(variable("EMULATOR_TCP_PORT", "5432")),
  });
  return { faults: emulator.faults, counts: () => emulator.counts, actions: {}, close: emulator.close };
}

async function startUpstash(authority: Authority): Promise<Running> {
  const emulator = await startUpstashEmulator({
    tls: { authority, name: variable("EMULATOR_HOST"), tcpPort: Number(variable("EMULATOR_TCP_PORT", "6379")) },
    redisUrl: variable("REDIS_URL"),
    token: variable("UPSTASH_REDIS_REST_TOKEN"),
    host: LISTEN_ON,
    port: Number(variable("EMULATOR_PORT", "443")),
  });
  const { faults, billed, subscriptions, close } = emulator;
  const actions = { cut: () => subscriptions.cut("destroy"), end: () => subscriptions.cut("end") };
  return { faults, counts: () => Object.fromEntries(billed), actions, close };
}

const [name = ""] = process.argv.slice(2);
const start = { neon: startNeon, upstash: startUpstash }[name];
if (start === undefined) throw new Error("Name the emulator to run: neon or upstash.");
const emulator = await start(await openAuthority(variable("EMULATOR_FOLDER")));
const controlPort = Number(variable("EMULATOR_CONTROL_PORT", "8080"));
const control = await startControl(emulator, { host: LISTEN_ON, port: controlPort });
process.stdout.write(`The emulator of ${name} is ready. Set its faults at ${control.url}\n`);
await Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
await Promise.all([emulator.close(), control.close()]);

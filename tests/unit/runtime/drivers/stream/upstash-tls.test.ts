import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAuthority } from "../../../../../local/emulators/certificate.ts";
import { startUpstashEmulator, type UpstashEmulator } from "../../../../../local/emulators/upstash.ts";
import { redisMissing, startRedis, type TestRedis } from "../../../../../testing/redis.ts";
import { upstashToken } from "../../../../../testing/upstash.ts";

const missing = redisMissing === null ? "" : ` (${redisMissing})`;

describe.skipIf(redisMissing !== null)(`Upstash over TLS${missing}`, () => {
  let redis: TestRedis;
  let emulator: UpstashEmulator;
  let folder: string;

  beforeAll(async () => {
    redis = await startRedis();
    const authority = await createAuthority();
    const tls = { authority, name: "localhost" };
    emulator = await startUpstashEmulator({ redisUrl: redis.url, token: upstashToken, tls });
    folder = await mkdtemp(join(tmpdir(), "stillup-tls-"));
    await writeFile(join(folder, "authority.pem"), authority.cert);
    const entryPoints = ["runtime/drivers/stream/upstash.ts"];
    await build({ entryPoints, outfile: join(folder, "upstash.cjs"), bundle: true, platform: "node" });
  });
  afterAll(async () => {
    await emulator.close();
    await redis.stop();
    await rm(folder, { recursive: true });
  });

  test("is used when its certificate is good, for commands and for wake-ups", async () => {
    expect(await wakeOn("authority.pem", emulator.url)).toBe("heard\nheard");
  });

  test("is refused when nobody trusts its certificate", async () => {
    expect(await wakeOn("none.pem", emulator.url)).toMatch(refused("unable to verify the first certificate"));
  });

  test("is refused when its certificate is for another name", async () => {
    const url = emulator.url.replace("localhost", "127.0.0.1");
    expect(await wakeOn("authority.pem", url)).toMatch(
      refused("Hostname/IP does not match certificate's altnames: .*"),
    );
  });

  test("is refused when its certificate has ended", async () => {
    emulator.faults.set({ expiredCertificate: true });
    expect(await wakeOn("authority.pem", emulator.url)).toMatch(refused("certificate has expired"));
  });

  /** In a process of its own, because Node reads its authorities at the start. */
  async function wakeOn(authorities: string, url: string): Promise<string> {
    const script = `
      const { createUpstashStream } = require("./upstash.cjs");
      const stream = createUpstashStream({ url: "${url}", token: "${upstashToken}", prefix: "${redis.prefix}" });
      const tell = (outcome) => outcome.then(() => "heard", (error) => error.code + ": " + error.message);
      const heard = new Promise((resolve, reject) => stream.onWake(["wake-up"], resolve).then(
        () => stream.wake("wake-up"), reject).catch(reject));
      Promise.all([tell(stream.ping()), tell(heard)]).then(async (outcomes) => {
        await stream.close();
        console.log(outcomes.join("\\n"));
      });`;
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, authorities) };
    const { stdout } = await promisify(execFile)(process.execPath, ["-e", script], { cwd: folder, env });
    return stdout.trim();
  }
});

/** What both a command and the wake-ups fail with. */
function refused(reason: string): RegExp {
  const line = `stream_unavailable: Upstash at (localhost|127\\.0\\.0\\.1):\\d+ cannot be reached: ${reason}`;
  return new RegExp(`^${line}\n${line}$`);
}

import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server } from "node:tls";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAuthority } from "../../../../../local/emulators/certificate.ts";
import { type OwnRedis, ownRedisMissing, startOwnRedis } from "../../../../../testing/redis.ts";

const missing = ownRedisMissing === null ? "" : ` (${ownRedisMissing})`;

describe.skipIf(ownRedisMissing !== null)(`A stream on Redis behind TLS${missing}`, () => {
  let redis: OwnRedis;
  let tls: Server;
  let folder: string;
  let port: number;

  beforeAll(async () => {
    redis = await startOwnRedis();
    const authority = await createAuthority();
    tls = createServer(await authority.issue(["localhost"]), (socket) => {
      const behind = connect(redis.port, "127.0.0.1");
      socket.pipe(behind).pipe(socket);
      socket.on("error", () => behind.destroy());
      behind.on("error", () => socket.destroy());
    }).listen(0, "127.0.0.1");
    await once(tls, "listening");
    ({ port } = tls.address() as AddressInfo);
    folder = await mkdtemp(join(tmpdir(), "stillup-tls-"));
    await writeFile(join(folder, "authority.pem"), authority.cert);
    await build({
      entryPoints: ["runtime/drivers/stream/redis.ts"],
      outfile: join(folder, "redis.cjs"),
      bundle: true,
      platform: "node",
    });
  });
  afterAll(async () => {
    tls.close();
    await redis.stop();
    await rm(folder, { recursive: true });
  });

  test("is used when its certificate is good", async () => {
    expect(await pingFrom("authority.pem", "localhost")).toBe("answered");
  });

  test("is refused when nobody trusts its certificate", async () => {
    expect(await pingFrom("none.pem", "localhost")).toMatch(
      /^stream_unavailable: Redis at localhost:\d+ cannot be reached: unable to verify/,
    );
  });

  test("is refused when its certificate is for another name", async () => {
    expect(await pingFrom("authority.pem", "127.0.0.1")).toContain("does not match certificate's altnames");
  });

  /** In a process of its own, because Node reads its authorities at the start. */
  async function pingFrom(authorities: string, host: string): Promise<string> {
    const script = `
      const { createRedisStream } = require("./redis.cjs");
      const stream = createRedisStream({ url: "rediss://${host}:${port}" });
      stream.ping()
        .then(() => "answered", (error) => error.code + ": " + error.message)
        .then(async (outcome) => { await stream.close(); console.log(outcome); });`;
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, authorities) };
    const { stdout } = await promisify(execFile)(process.execPath, ["-e", script], { cwd: folder, env });
    return stdout.trim();
  }
});

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { buildHost } from "../../../build/hosts.mjs";
import { build } from "../../../build/project.mjs";
import { startService } from "../../../testing/services.ts";

const root = join(import.meta.dirname, "../../..");

const greeter = `
import { recordDeadLetter } from "../../domain/dead-letters/record-dead-letter.ts";
import type { ConsumeFunction, Source } from "../../runtime/contract.ts";

export const source: Source = { stream: "greetings.due", group: "greeter", batchSize: 10, parallel: 1 };

export default {
  async consume(batch, env) {
    for (const { body } of batch.messages) env.log.info(\`Hello \${body}, from the worker.\`);
  },

  deadLetter: (letter, env) => recordDeadLetter(env.sql, letter),
} satisfies ConsumeFunction;
`;

const greet = `
import { claimSchedule } from "../../domain/shared/claim-schedule.ts";
import type { Schedule, ScheduledFunction } from "../../runtime/contract.ts";

export const schedule: Schedule = { everySeconds: 60, runsWith: ["greeter"] };

export default {
  async scheduled(_tick, env) {
    const { claimed, nextInMs } = await claimSchedule(env.sql, "greet", schedule.everySeconds);
    return { publish: claimed ? [{ stream: "greetings.due", body: "world" }] : [], nextInMs };
  },
} satisfies ScheduledFunction;
`;

describe("A worker and a schedule that are added to functions/, and nowhere else,", () => {
  let scratch: string;
  let dist: string;

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), "stillup-greeter-"));
    for (const name of ["domain", "runtime", "local", "migrations", "node_modules", "virtual.d.ts"]) {
      await symlink(join(root, name), join(scratch, name));
    }
    await cp(join(root, "functions"), join(scratch, "functions"), { recursive: true });
    await writeFile(join(scratch, "functions/workers/greeter.ts"), greeter);
    await writeFile(join(scratch, "functions/schedules/greet.ts"), greet);
    dist = join(scratch, "dist");
    await build({ root: scratch });
    await mkdir(join(scratch, "data"));
  });
  afterAll(() => rm(scratch, { recursive: true }));

  test("run by npm start", async () => {
    const variables = { API_KEY: "k".repeat(40), LOG_LEVEL: "INFO" };
    const stillup = await startService("all", { dist, folder: join(scratch, "data"), variables });
    onTestFinished(async () => expect(await stillup.stop()).toBe(0));
    await vi.waitFor(() => expect(stillup.printed()).toContain("Hello world, from the worker."), { timeout: 20_000 });
  }, 60_000);

  test("are a service of their own in containers", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(dist, "local/main.mjs"), "help"]);
    expect(stdout).toContain("worker-greeter");
  });

  test("are an artefact of a function host, which has the worker and its schedule", async () => {
    const [artefact] = await buildHost({ host: "fetch", only: ["greeter"], root: scratch });
    const code = await readFile(artefact?.file ?? "", "utf8");
    expect(code).toContain(", from the worker.");
    expect(code).toContain('"greet"');
  });
});

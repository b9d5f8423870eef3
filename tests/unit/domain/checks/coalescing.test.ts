import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { checksDue } from "../../../../domain/checks/job.ts";
import { parseChecks } from "../../../../domain/checks/parse-checks.ts";
import { checkDue, enqueue } from "../../../../testing/pipeline.ts";
import { addMonitors, times } from "../../../../testing/rows.ts";
import { answer } from "../../../../testing/scripted-http.ts";
import { type TestEnv, testEnv } from "../../../../testing/test-env.ts";

const forever = new AbortController().signal;
const who = { ...checksDue, consumer: "test" };
let env: TestEnv;

beforeEach(async () => {
  env = await testEnv();
  await env.clock.set("2026-03-01T12:00:00Z");
});
afterAll(() => env.close());

const entries = async () => (await env.stream.state(checksDue.stream, checksDue.group)).length;

/** Past the lease of a slot: 10 s of time-out and 20 s. */
const passLease = () => env.clock.advance(40);

/** What a consumer that is gone, or a tenth as fast as it should be, leaves in the stream. */
async function leaveBacklog(): Promise<void> {
  const bodies = Array.from({ length: 501 }, () => ({ stream: checksDue.stream, body: '{"v":1,"jobs":[]}' }));
  await env.stream.publish(bodies);
}

async function jobsGivenOut(): Promise<number> {
  const messages = await env.stream.read(who, { count: 1000, blockMs: 0, signal: forever });
  return messages.flatMap(({ body }) => parseChecks(body).jobs).length;
}

describe("Checks that no worker makes", () => {
  it("are given out once however long a backlog lasts", async () => {
    await addMonitors(env.sql, times(250, {}));
    await leaveBacklog();
    await enqueue(env, env.ctx());
    expect(await jobsGivenOut()).toBe(250);
    const before = await entries();
    for (let hour = 0; hour < 100; hour++) {
      await passLease();
      await enqueue(env, env.ctx());
    }
    expect(await entries()).toBe(before);
  });

  it("are given out again once the backlog is gone, or was lost", async () => {
    await addMonitors(env.sql, times(250, {}));
    await leaveBacklog();
    await enqueue(env, env.ctx());
    await passLease();
    await enqueue(env, env.ctx());
    env.stream.loseEverything();
    await passLease();
    await enqueue(env, env.ctx());
    expect(await jobsGivenOut()).toBe(250);
  });

  it("delay no monitor that has its result or is new", async () => {
    await addMonitors(env.sql, times(1, {}));
    env.http.on(() => answer(200));
    await checkDue(env, env.ctx());
    await leaveBacklog();
    await env.clock.advance(120);
    await addMonitors(env.sql, times(2, {}));
    await enqueue(env, env.ctx());
    expect(await jobsGivenOut()).toBe(3);
  });

  it("are given out again although the stream service does not tell what it holds", async () => {
    await addMonitors(env.sql, times(2, {}));
    await enqueue(env, env.ctx());
    await jobsGivenOut();
    await passLease();
    Object.assign(env.stream, { state: () => Promise.reject(new Error("away")) });
    await enqueue(env, env.ctx());
    expect(await jobsGivenOut()).toBe(2);
  });
});

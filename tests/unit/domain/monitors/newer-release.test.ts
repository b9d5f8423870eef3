import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Job } from "../../../../domain/checks/job.ts";
import { getMonitor } from "../../../../domain/monitors/get-monitor.ts";
import { updateMonitor } from "../../../../domain/monitors/update-monitor.ts";
import monitoring, { source } from "../../../../functions/workers/monitoring.ts";
import { settle } from "../../../../runtime/worker/settle.ts";
import { enqueue } from "../../../../testing/pipeline.ts";
import { addMonitors } from "../../../../testing/rows.ts";
import { answer } from "../../../../testing/scripted-http.ts";
import { type TestEnv, testEnv } from "../../../../testing/test-env.ts";

let env: TestEnv;

beforeAll(async () => {
  env = await testEnv();
  env.http.on(() => answer(200));
  await addMonitors(env.sql, [
    { id: "mon_kind", name: "k" },
    { id: "mon_form", name: "f", url: "http://a/" },
    { id: "mon_known", name: "m", url: "http://b/" },
  ]);
  const secret = JSON.stringify({ secret: "hunter2" });
  await env.sql`
    update monitors set type = 'telepathy', target = 'a mind', config = ${secret}::text::jsonb where id = 'mon_kind'`;
  await env.sql`update monitors set form = 2, config = config || ${secret}::text::jsonb where id = 'mon_form'`;
});
afterAll(() => env.close());

describe("While a newer release runs beside this one, a monitor of a kind or a form that only that one knows", () => {
  it("is shown without its configuration, or without what is new in it", async () => {
    const kind = await getMonitor(env.sql, "mon_kind");
    expect(kind).toMatchObject({ name: "k", type: "telepathy", target: "a mind", intervalSeconds: 60 });
    const form = await getMonitor(env.sql, "mon_form");
    expect(form).toMatchObject({ name: "f", type: "http", url: "http://a/" });
    expect(JSON.stringify([kind, form])).not.toContain("hunter2");
  });

  it.each(["mon_kind", "mon_form"])("is not changed by this release: %s", async (id) => {
    const change = updateMonitor(env, { id, patch: { name: "Other" } });
    await expect(change).rejects.toMatchObject({ code: "wrong_state", status: 409 });
    expect(await getMonitor(env.sql, id)).not.toMatchObject({ name: "Other" });
  });

  it("is given out in a message of its own, which workers of this release leave to newer ones", async () => {
    await enqueue(env, env.ctx());
    const who = { stream: source.stream, group: source.group, consumer: "test" };
    const messages = await env.stream.read(who, { count: 10, blockMs: 0, signal: new AbortController().signal });
    const jobsOf = ({ body }: { body: string }) => (JSON.parse(body) as { jobs: Job[] }).jobs;
    const results = await Promise.all(
      messages.map(async (message) => {
        const batch = { source: source.stream, messages: [{ ...message, attempts: 29 }] };
        const outcome = await monitoring.consume(batch, env, env.ctx()).then(
          (result) => ({ result }),
          (error: unknown) => ({ error }),
        );
        const { ack, retry, deadLetters } = settle(batch, outcome);
        const ids = jobsOf(message).map(({ monitorId }) => monitorId);
        return { ids, ack: ack.length, retry: retry.length, deadLetters: deadLetters.length };
      }),
    );
    expect(results.sort((a, b) => (`${a.ids}` < `${b.ids}` ? -1 : 1))).toEqual([
      { ids: ["mon_form"], ack: 0, retry: 1, deadLetters: 0 },
      { ids: ["mon_kind"], ack: 0, retry: 1, deadLetters: 0 },
      { ids: ["mon_known"], ack: 1, retry: 0, deadLetters: 0 },
    ]);
    expect(await env.sql`select monitor_id as id from checks`).toEqual([{ id: "mon_known" }]);
    const [kind] = messages.flatMap(jobsOf).filter(({ monitorId }) => monitorId === "mon_kind");
    expect(kind).toMatchObject({ type: "telepathy", form: 1, config: { secret: "hunter2" } });
  });
});

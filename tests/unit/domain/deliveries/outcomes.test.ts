import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { ChannelEvent } from "../../../../domain/channels/events.ts";
import type { SendResult } from "../../../../domain/channels/send-result.ts";
import type { Sender } from "../../../../domain/channels/sender.ts";
import { claimDueChannels } from "../../../../domain/deliveries/claim-due-channels.ts";
import { deliverDue } from "../../../../domain/deliveries/deliver.ts";
import { aMonitorChange } from "../../../../testing/factories.ts";
import { addChannel, addDeliveries } from "../../../../testing/rows.ts";
import { type TestEnv, testEnv } from "../../../../testing/test-env.ts";

/** A channel type that does what a test says. */
const scripted = vi.hoisted(() => ({ type: "scripted", render: vi.fn(), send: vi.fn() }) satisfies Sender);

vi.mock(import("../../../../domain/channels/senders.ts"), async (original) => ({ ...(await original()), scripted }));

const never = new AbortController().signal;
let env: TestEnv;

beforeEach(async () => {
  env = await testEnv();
  await env.clock.set("2026-03-01T12:00:00Z");
  scripted.render.mockReset().mockImplementation(({ text }: ChannelEvent) => text);
  scripted.send.mockReset();
});
afterAll(() => env.close());

const result = (outcome: SendResult["outcome"], over: Partial<SendResult> = {}): SendResult => ({
  outcome,
  statusCode: null,
  error: outcome === "delivered" ? null : "The room is archived.",
  retryAfterMs: null,
  durationMs: 1,
  ...over,
});

/** A channel of this type with two deliveries of one monitor to it; resolves with its id. */
async function plan(type = "scripted"): Promise<string> {
  const channelId = await addChannel(env.sql, { type, config: { room: "ops" } });
  await addDeliveries(
    env.sql,
    [1, 2].map((eventNumber) => ({ id: `dlv_${eventNumber}_${type}`, channelId, eventNumber })),
  );
  return channelId;
}

async function deliveries(): Promise<unknown[]> {
  return env.sql`
    select status, attempts, failures, last_error as error, leased_until is not null as leased
    from deliveries order by event_number`;
}
const untouched = { status: "pending", attempts: 0, failures: 0, error: null, leased: false };

describe("a delivery", () => {
  it("is rendered and sent by its channel's type, with the channel's config", async () => {
    const channel = await plan();
    scripted.send.mockResolvedValue(result("delivered"));
    await deliverDue(env, [channel], never);
    const text = "Shop is down: Answered 500; expected 200-299.";
    expect(scripted.render.mock.calls).toEqual([
      [
        {
          id: "dlv_1_scripted",
          type: "monitor.down",
          timestamp: "2026-03-01T12:00:00.000Z",
          text,
          data: aMonitorChange(),
        },
      ],
    ]);
    expect(scripted.send.mock.calls).toEqual([[{ http: expect.anything() }, { room: "ops" }, text]]);
    expect(await deliveries()).toEqual([
      { status: "delivered", attempts: 1, failures: 0, error: null, leased: false },
      untouched,
    ]);
  });

  it("is exhausted at once by a permanent failure, and the next one goes out", async () => {
    const channel = await plan();
    scripted.send.mockResolvedValueOnce(result("permanent")).mockResolvedValue(result("delivered"));
    await deliverDue(env, [channel], never);
    await deliverDue(env, [channel], never);
    expect(await deliveries()).toMatchObject([
      { status: "exhausted", attempts: 1, error: "The room is archived." },
      { status: "delivered", attempts: 1 },
    ]);
    expect(await env.sql`select disabled from channels`).toEqual([{ disabled: false }]);
  });

  it("is attempted again when it was broken off, which counts as no failure", async () => {
    const channel = await plan();
    scripted.send.mockResolvedValue(result("broken-off"));
    await deliverDue(env, [channel], never);
    expect(await deliveries()).toEqual([{ ...untouched, attempts: 1 }, untouched]);
  });

  it.each([
    [
      "rendered",
      () =>
        scripted.render.mockImplementation(() => {
          throw new Error("no such template");
        }),
    ],
    ["sent", () => scripted.send.mockRejectedValue(new Error("no such template"))],
  ])("counts as failed when it cannot be %s, and the log says why", async (_, script) => {
    const channel = await plan();
    script();
    await deliverDue(env, [channel], never);
    const error = "Stillup could not make or send this message. Its log says why.";
    expect(await deliveries()).toEqual([
      { status: "pending", attempts: 1, failures: 1, error, leased: false },
      untouched,
    ]);
    expect(env.logged).toContainEqual({
      level: "ERROR",
      message: "A channel's message could not be sent.",
      fields: expect.objectContaining({ channelType: "scripted", error: "no such template" }),
    });
  });

  it("is left to a newer release when this one does not know its channel's type", async () => {
    const channels = [await plan("pigeon"), await plan()];
    scripted.send.mockResolvedValue(result("delivered"));
    await deliverDue(env, channels, never);
    const rows = await env.sql`select status, attempts from deliveries where id like '%pigeon'`;
    expect(rows).toEqual([
      { status: "pending", attempts: 0 },
      { status: "pending", attempts: 0 },
    ]);
    expect(scripted.send).toHaveBeenCalledTimes(1);
    expect((await claimDueChannels(env.sql)).channelIds).toContain(channels[0]);
  });
});

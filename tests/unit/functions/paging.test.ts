import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { aMonitor } from "../../../testing/factories.ts";
import { type Api, api, type Json } from "../../../testing/routes.ts";
import {
  addChannel,
  addChecks,
  addDeadLetters,
  addDelivery,
  addIncident,
  addMonitor,
  times,
} from "../../../testing/rows.ts";
import { type TestEnv, testEnv } from "../../../testing/test-env.ts";

let env: TestEnv;
let deliveries = 0;
let call: Api["send"];

beforeEach(async () => {
  env = await testEnv();
  call = api(env).send;
});
afterAll(() => env.close());

/** Thirteen things, four of them made in the same microsecond, and all within a millisecond. */
const ages = Array.from({ length: 13 }, (_, index) => (index < 4 ? 0 : index));

interface List {
  readonly path: string;
  /** Adds a thing that is so many microseconds old. */
  add(microseconds: number): Promise<void>;
}

const lists: readonly List[] = [
  {
    path: "/v1/monitors",
    async add(age) {
      await addMonitor(env.sql, { createdAt: -age / 1e6 });
    },
  },
  {
    path: "/v1/channels",
    async add(age) {
      await addChannel(env.sql, { createdAt: -age / 1e6 });
    },
  },
  {
    path: "/v1/incidents",
    async add(age) {
      await addIncident(env.sql, { confirmedAt: -age / 1e6 });
    },
  },
  {
    path: "/v1/deliveries",
    async add(age) {
      await addDelivery(env.sql, { id: `dlv_${++deliveries}`, createdAt: -age / 1e6 });
    },
  },
  {
    path: "/v1/dead-letters",
    async add(age) {
      await addDeadLetters(env.sql, [{ createdAt: -age / 1e6 }]);
    },
  },
];

async function pages(path: string, limit: number, between = async () => {}): Promise<Json[][]> {
  const all: Json[][] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const query: string = `?limit=${limit}${cursor === "" ? "" : `&cursor=${cursor}`}`;
    const { status, body } = await call("GET", path + query);
    expect(status).toBe(200);
    all.push(body.items);
    cursor = body.nextCursor;
    await between();
  }
  return all;
}

describe.each(lists)("$path", ({ path, add }) => {
  beforeEach(async () => {
    await env.clock.set("2026-03-01T12:00:00.0005Z");
    for (const age of ages) await add(age);
  });

  it("shows everything once, whatever the size of a page", async () => {
    const whole = (await pages(path, 200)).flat().map(({ id }: Json) => id);
    expect(new Set(whole).size).toBe(ages.length);
    for (const limit of [1, 2, 5, 12, 13]) {
      const some = await pages(path, limit);
      expect(some.map((page) => page.length)).toEqual(
        Array.from({ length: Math.ceil(ages.length / limit) }, (_, index) =>
          Math.min(limit, ages.length - index * limit),
        ),
      );
      expect(some.flat().map(({ id }: Json) => id)).toEqual(whole);
    }
  });

  it("shows what was there once, and nothing that is added meanwhile", async () => {
    const whole = (await pages(path, 200)).flat().map(({ id }: Json) => id);
    const some = await pages(path, 2, async () => {
      await env.clock.advance(1);
      await add(0);
    });
    expect(some.flat().map(({ id }: Json) => id)).toEqual(whole);
  });

  it("has 50 to a page when nothing is said", async () => {
    for (let count = ages.length; count < 51; count++) await add(count);
    const { body } = await call("GET", path);
    expect([body.items.length, body.nextCursor]).toEqual([50, expect.any(String)]);
  });
});

describe("a monitor's checks", () => {
  it("are shown once each", async () => {
    const { body: monitor } = await call("POST", "/v1/monitors", aMonitor());
    await addChecks(
      env.sql,
      times(13, (n) => ({ monitorId: monitor.id, at: -n / 1e6, totalMs: n })),
    );
    for (const limit of [1, 5, 13, 200]) {
      const checks = (await pages(`/v1/monitors/${monitor.id}/checks`, limit)).flat();
      expect(checks.map(({ totalMs }: Json) => totalMs)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    }
  });
});

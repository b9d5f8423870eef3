import { beforeAll, describe, expect, it } from "vitest";
import type { SqlDriver } from "../../../../runtime/drivers/sql/sql.ts";
import { emptyDatabase } from "../../../../testing/test-database.ts";

const FAILURE_THRESHOLD = 3;
const RECOVERY_THRESHOLD = 2;

interface Next {
  readonly status: string;
  readonly event: string | null;
}

let sql: SqlDriver;
beforeAll(async () => {
  sql = await emptyDatabase();
});

/** What an equal verdict for the `streak`th time in a row makes of a monitor. */
async function next(status: string, reportedDown: boolean, verdict: string, streak: number): Promise<Next | undefined> {
  const [row] = await sql<Next>`
    select new_status as status, event
    from next_status(${status}, ${reportedDown}::boolean, ${verdict}, ${streak}::int4, ${FAILURE_THRESHOLD}::int4,
      ${RECOVERY_THRESHOLD}::int4)`;
  return row;
}

// The table in ARCHITECTURE.md, "How it decides": status, verdict, its count in a row, new status, event.
describe("A monitor whose last event was not a down", () => {
  const same = null;
  it.each([
    ["pending", "success", 1, "up", null],
    ["pending", "success", 2, "up", null],
    ["pending", "failure", 1, same, null],
    ["pending", "failure", 2, same, null],
    ["pending", "failure", 3, "down", "down"],
    ["pending", "failure", 4, "down", "down"],
    ["pending", "unknown", 0, "unknown", null],
    ["up", "success", 1, "up", null],
    ["up", "success", 2, "up", null],
    ["up", "failure", 1, same, null],
    ["up", "failure", 2, same, null],
    ["up", "failure", 3, "down", "down"],
    ["up", "failure", 4, "down", "down"],
    ["up", "unknown", 0, "unknown", null],
    ["unknown", "success", 1, "up", null],
    ["unknown", "success", 2, "up", null],
    ["unknown", "failure", 1, same, null],
    ["unknown", "failure", 2, same, null],
    ["unknown", "failure", 3, "down", "down"],
    ["unknown", "failure", 4, "down", "down"],
    ["unknown", "unknown", 0, "unknown", null],
  ])("that is %s: %s number %i in a row makes it %s, with the event %s", async (status, verdict, streak, to, event) => {
    expect(await next(status, false, verdict, streak)).toEqual({ status: to ?? status, event });
  });
});

describe("A monitor whose last event was a down", () => {
  const same = null;
  it.each([
    ["down", "success", 1, same, null],
    ["down", "success", 2, "up", "up"],
    ["down", "success", 3, "up", "up"],
    ["down", "failure", 1, "down", null],
    ["down", "failure", 3, "down", null],
    ["down", "unknown", 0, "unknown", null],
    ["unknown", "success", 1, same, null],
    ["unknown", "success", 2, "up", "up"],
    ["unknown", "success", 3, "up", "up"],
    ["unknown", "failure", 1, "down", null],
    ["unknown", "failure", 3, "down", null],
    ["unknown", "unknown", 0, "unknown", null],
  ])("that is %s: %s number %i in a row makes it %s, with the event %s", async (status, verdict, streak, to, event) => {
    expect(await next(status, true, verdict, streak)).toEqual({ status: to ?? status, event });
  });
});

it("The planner replaces a call of next_status by its text, so that a call costs nothing", async () => {
  const plan = await sql<{ "QUERY PLAN": string }>`
    explain (costs off) select n.* from monitors m
    cross join lateral next_status(m.status, m.reported_down, 'failure', m.streak, m.failure_threshold, 1) as n`;
  expect(plan.map((row) => row["QUERY PLAN"])).toEqual(["Seq Scan on monitors m"]);
});

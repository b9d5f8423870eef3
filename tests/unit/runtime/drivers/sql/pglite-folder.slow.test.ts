import { mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { lockFolder } from "../../../../../runtime/drivers/sql/folder-lock.ts";
import { createPgliteSql } from "../../../../../runtime/drivers/sql/pglite.ts";
import { startScript } from "../../../../../testing/script.ts";

// Each start of PGlite takes seconds of CPU, and some tests start several processes.
vi.setConfig({ testTimeout: 120_000 });

let parent: string;
let folder: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "stillup-pglite-"));
  folder = join(parent, "data");
});
afterEach(() => rm(parent, { recursive: true }));

const locks = async () => (await readdir(parent)).filter((name) => name.startsWith("data.lock."));
/** The lock as it stands in its file, to be left behind by somebody else. */
const readLock = async () => {
  const unlock = await lockFolder(folder);
  const [name = ""] = await locks();
  const lock = JSON.parse(await readFile(join(parent, name), "utf8")) as { pid: number; began: string; space: string };
  await unlock();
  return lock;
};
const leaveLock = async (lock: object) => {
  const path = join(parent, "data.lock.1-left");
  await writeFile(path, JSON.stringify(lock));
  return path;
};

describe("A PGlite folder", () => {
  test("keeps its data, and is unlocked when it is closed", async () => {
    const first = await createPgliteSql({ dataDir: folder });
    await first.script("create table t (n int); insert into t values (7)");
    await first.close();
    await first.close();
    expect(await locks()).toEqual([]);
    const second = await createPgliteSql({ dataDir: folder });
    expect(await second`select n from t`).toEqual([{ n: 7 }]);
    await second.close();
    await expect(async () => await second`select 1`).rejects.toMatchObject({ code: "database_unavailable" });
  });

  test("that is damaged is named, with what to do, and left as it is", async () => {
    await (await createPgliteSql({ dataDir: folder })).close();
    await truncate(join(folder, "global/pg_control"), 100);
    const kept = await readdir(folder);
    for (const act of [async () => {}, () => rm(join(folder, "PG_VERSION"))]) {
      await act();
      const opening = createPgliteSql({ dataDir: folder });
      await expect(opening).rejects.toMatchObject({ code: "database_unavailable" });
      await expect(opening).rejects.toThrow(`The database in ${folder} cannot be opened: `);
      await expect(opening).rejects.toThrow("move the folder away to begin with an empty database");
    }
    expect(await readdir(folder)).toEqual(expect.arrayContaining(kept.filter((name) => name !== "PG_VERSION")));
    expect(await readdir(parent)).toEqual(["data"]);
  });

  test("is not opened by a second process, which is told who has it", async () => {
    const script = await startScript("keep-writing", { args: [folder] });
    expect(await script.nextLine()).toBe("1");
    const second = createPgliteSql({ dataDir: folder });
    await expect(second).rejects.toMatchObject({ code: "database_unavailable" });
    await expect(second).rejects.toThrow(`Process ${script.pid} has the database in ${folder}`);
    script.kill("SIGKILL");
    await script.ended;
    await (await createPgliteSql({ dataDir: folder })).close();
  });

  test("has every acknowledged row after its process was killed, three times", async () => {
    let acknowledged = 0;
    for (let round = 0; round < 3; round++) {
      const script = await startScript("keep-writing", { args: [folder] });
      const until = acknowledged + 200;
      while (acknowledged < until) {
        const line = await script.nextLine();
        if (line === null) throw new Error("The script ended.");
        acknowledged = Number(line);
      }
      script.kill("SIGKILL");
      await script.ended;
    }
    const sql = await createPgliteSql({ dataDir: folder });
    const [row] = await sql<{ rows: number; last: number }>`select count(*)::int as rows, max(n) as last from numbers`;
    expect(row?.last).toBeGreaterThanOrEqual(acknowledged);
    expect(row?.rows).toBe(row?.last);
    await sql.close();
  });

  test("is made whole or not at all when the first start is killed", async () => {
    const script = await startScript("keep-writing", { args: [folder] });
    await expect.poll(async () => await readdir(parent)).toContainEqual("data.unfinished");
    script.kill("SIGKILL");
    await script.ended;
    const sql = await createPgliteSql({ dataDir: folder });
    expect(await sql`select 1 as one`).toEqual([{ one: 1 }]);
    await sql.close();
    expect(await readdir(parent)).toEqual(["data"]);
  });

  test("that holds something else is left alone", async () => {
    await writeFile(folder, "a file, and no folder");
    await expect(createPgliteSql({ dataDir: folder })).rejects.toMatchObject({ code: "database_unavailable" });
    expect(await readFile(folder, "utf8")).toBe("a file, and no folder");
    expect(await locks()).toEqual([]);
  });
});

describe("The lock of a folder", () => {
  test("keeps out a second one in the same process, too", async () => {
    const unlock = await lockFolder(folder);
    await expect(lockFolder(folder)).rejects.toThrow(`Process ${process.pid}`);
    await unlock();
    await (await lockFolder(folder))();
  });

  const crowd = () => Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder)));

  test("is held by one at most when many want it at once, and is free for one that comes after", async () => {
    // All of them may see another one and step back.
    const held = (await crowd()).filter((one) => one.status === "fulfilled");
    expect(held.length).toBeLessThanOrEqual(1);
    for (const { value: unlock } of held) await unlock();
    expect(await locks()).toEqual([]);
    await (await lockFolder(folder))();
  });

  test("stays with who has it when many want it at once", async () => {
    const unlock = await lockFolder(folder);
    const refused = (await crowd()).filter((one) => one.status === "rejected");
    expect(refused).toHaveLength(8);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: "database_unavailable" });
    expect(await locks()).toHaveLength(1);
    await unlock();
    expect(await locks()).toEqual([]);
  });

  test("of a process that is gone is taken over", async () => {
    const script = await startScript("exit");
    await script.ended;
    await leaveLock({ ...(await readLock()), pid: script.pid });
    await (await lockFolder(folder))();
    expect(await locks()).toEqual([]);
  });

  test("of a process whose pid now is another's is taken over", async () => {
    const lock = await readLock();
    await leaveLock({ ...lock, began: "1" });
    await (await lockFolder(folder))();
  });

  test("of a process that cannot be seen from here is respected for as long as it is touched", async () => {
    const path = await leaveLock({ ...(await readLock()), space: "another container", pid: 4_000_000 });
    let seconds = 0;
    const touching = setInterval(() => void utimes(path, ++seconds, seconds), 100);
    await expect(lockFolder(folder)).rejects.toThrow("Process 4000000");
    clearInterval(touching);
    await (await lockFolder(folder))();
    expect(await locks()).toEqual([]);
  });

  test("that cannot be read is named", async () => {
    const path = join(parent, "data.lock.1-odd");
    await writeFile(path, "{");
    await expect(lockFolder(folder)).rejects.toThrow(path);
  });
});

import { mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
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

  test("is not opened by a second process, whose error names the first", async () => {
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

  const startHolder = async () => {
    const holder = await startScript("hold-folder", { args: [folder] });
    expect(await holder.nextLine()).toBe("held");
    return holder;
  };

  test("stays with a process that is stopped, and is free once that is killed", async () => {
    const holder = await startHolder();
    holder.kill("SIGSTOP");
    await expect(lockFolder(folder)).rejects.toThrow(`Process ${holder.pid} has the database in ${folder}`);
    holder.kill("SIGKILL");
    await holder.ended;
    expect(await locks()).toHaveLength(1);
    await (await lockFolder(folder))();
    expect(await locks()).toEqual([]);
  });

  test("that a killed process left is free although another process has its pid by now", async () => {
    const holder = await startHolder();
    holder.kill("SIGKILL");
    await holder.ended;
    const [left = ""] = await locks();
    await rename(join(parent, left), join(parent, `data.lock.${process.pid}-00000000`));
    await (await lockFolder(folder))();
    expect(await locks()).toEqual([]);
  });

  test("works where the path is too long for a socket", async () => {
    const deep = join(parent, "x".repeat(120), "data");
    const unlock = await lockFolder(deep);
    await expect(lockFolder(deep)).rejects.toThrow(`Process ${process.pid} has the database in ${deep}`);
    await unlock();
    await (await lockFolder(deep))();
  });
});

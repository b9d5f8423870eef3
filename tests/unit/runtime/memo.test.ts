import { describe, expect, it } from "vitest";
import { createMemo } from "../../../runtime/memo.ts";

describe("a memo", () => {
  it("makes a value once for all callers, until it is too old", async () => {
    let time = 0;
    let made = 0;
    const memo = createMemo(() => time);
    const ask = () => memo("a", 5000, async () => ++made);
    expect(await Promise.all([ask(), ask()])).toEqual([1, 1]);
    time = 4999;
    expect(await ask()).toBe(1);
    time = 5000;
    expect(await ask()).toBe(2);
  });

  it("keeps values apart by their keys", async () => {
    const memo = createMemo(() => 0);
    expect(await memo("a", 5000, async () => 1)).toBe(1);
    expect(await memo("b", 5000, async () => 2)).toBe(2);
  });

  it("keeps no failure, and lets an old one take nothing newer away", async () => {
    let time = 0;
    const memo = createMemo(() => time);
    let fail = (_: Error) => {};
    const slow = memo("a", 1, () => new Promise<number>((_, reject) => (fail = reject)));
    time = 1;
    expect(await memo("a", 5000, async () => 2)).toBe(2);
    fail(new Error("late"));
    await expect(slow).rejects.toThrow("late");
    expect(await memo("a", 5000, async () => 3)).toBe(2);
    await expect(memo("b", 5000, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await memo("b", 5000, async () => 4)).toBe(4);
  });
});

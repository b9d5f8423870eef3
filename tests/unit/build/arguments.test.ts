import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readArguments } from "../../../build/arguments.mjs";

describe("The arguments of build.mjs", () => {
  test.each([
    [[], { watch: false }],
    [["--watch"], { watch: true }],
    [["--host", "lambda"], { watch: false, host: "lambda" }],
    [["--host=lambda"], { watch: false, host: "lambda" }],
    [
      ["--host", "fetch", "--function", "get-monitor", "--function=monitoring"],
      { watch: false, host: "fetch", only: ["get-monitor", "monitoring"] },
    ],
  ])("%j are understood", (args, expected) => {
    expect(readArguments(args)).toEqual(expected);
  });

  test.each([
    [["--hots", "lambda"], /Unknown option '--hots'/],
    [["lambda"], /Unexpected argument 'lambda'/],
    [["--host"], /--host <value>' argument missing/],
    [["--host", "constructor"], /There is no host "constructor"\. Choose one of lambda, cloudflare, fetch\./],
    [["--function", "get-monitor"], /--function needs --host\./],
    [["--watch", "--host", "fetch"], /--watch builds only dist\/\. Leave out --host\./],
  ])("%j are refused", (args, message) => {
    expect(() => readArguments(args)).toThrow(message);
  });

  test("that are refused end with 2, and the usage says what there is", () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [
      join(import.meta.dirname, "../../../build.mjs"),
      "--host=constructor",
    ]);
    expect([status, `${stdout}`]).toEqual([2, ""]);
    expect(`${stderr}`).toMatch(/^There is no host "constructor"\..*\n\nnode build\.mjs .*--host lambda\|cloudflare/s);
  });
});

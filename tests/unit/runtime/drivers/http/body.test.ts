import type { Transform } from "node:stream";
import { gzipSync } from "node:zlib";
import { expect, test, vi } from "vitest";
import { createBody } from "../../../../../runtime/drivers/http/body.ts";

const decoders = vi.hoisted((): Transform[] => []);

vi.mock("node:zlib", async (importOriginal) => {
  const zlib = await importOriginal<typeof import("node:zlib")>();
  const createGunzip = () => {
    const decoder = zlib.createGunzip();
    decoders.push(decoder);
    return decoder;
  };
  return { ...zlib, createGunzip };
});

const bomb = gzipSync(Buffer.alloc(20_000_000));
const ignore = { onError: () => {}, onDrain: () => {} };

test("Decoding stops for good once enough of a body is there", async () => {
  const end = new Promise<string>((resolve) => {
    const body = createBody({ encoding: "gzip", maxBytes: 10, onEnd: resolve, ...ignore });
    body.write(bomb);
  });
  expect(await end).toBe("\0".repeat(10));
  expect(decoders.at(-1)?.destroyed).toBe(true);
});

test("Decoding stops when the body is given up", () => {
  const onEnd = vi.fn();
  const body = createBody({ encoding: "gzip", maxBytes: 10, onEnd, ...ignore });
  body.write(bomb);
  body.destroy();
  expect(decoders.at(-1)?.destroyed).toBe(true);
  expect(onEnd).not.toHaveBeenCalled();
});

import type { Transform } from "node:stream";
import { gzipSync } from "node:zlib";
import { expect, test, vi } from "vitest";
import { decodeInto } from "../../../../../runtime/drivers/http/decode.ts";
import { Hop, type HopEnd } from "../../../../../runtime/drivers/http/hop.ts";

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

/** A hop that keeps 10 bytes of a gzipped body and has got its headers. */
function decoding(onEnd: (end: HopEnd) => void) {
  const request = { method: "GET", url: new URL("http://127.0.0.1/"), headers: new Map(), body: undefined };
  const hop = new Hop({ request, maxBodyBytes: 10, followRedirects: false, onEnd });
  const decoder = decodeInto(hop, "gzip", () => {});
  hop.start(() => () => decoder.destroy());
  hop.respond(200, []);
  return { hop, decoder };
}

test("Decoding stops for good once enough of a body is there", async () => {
  const end = await new Promise<HopEnd>((resolve) => {
    decoding(resolve).decoder.write(bomb);
  });
  expect(end).toMatchObject({ ok: true, body: "\0".repeat(10), truncated: true });
  expect(decoders.at(-1)?.destroyed).toBe(true);
});

test("Decoding stops when the hop is given up", () => {
  const onEnd = vi.fn();
  const { hop, decoder } = decoding(onEnd);
  decoder.write(bomb);
  hop.fail("aborted", "ABORTED");
  expect(decoders.at(-1)?.destroyed).toBe(true);
  expect(onEnd).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ ok: false, failure: "aborted" }));
});

import type { Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from "node:zlib";
import type { Hop } from "./hop.ts";

/** Takes a body as it comes and writes it to its hop decoded. */
export interface Decoder {
  /** False: no more until `onDrain`. */
  write(chunk: Buffer): boolean;
  end(): void;
  destroy(): void;
}

/** Encoded bytes that are read beyond `maxBodyBytes`: a stream of empty blocks decodes to nothing for ever. */
const ENCODED_SLACK_BYTES = 64 * 1024;

const codings = new Set(["gzip", "x-gzip", "deflate", "br"]);

/** `encoding` is the response's `content-encoding`. A body in an unknown coding is kept as it comes. */
export function decodeInto(hop: Hop, encoding: string | undefined, onDrain: () => void): Decoder {
  const coding = encoding?.trim().toLowerCase();
  if (coding === undefined || !codings.has(coding)) {
    return { write: (chunk) => hop.write(chunk), end: () => hop.finish(), destroy() {} };
  }
  let decoder: Transform | undefined;
  let encodedBytes = 0;
  const start = (first: Buffer): Transform => {
    const created = createTransform(coding, first);
    created.on("data", (chunk: Buffer) => hop.write(chunk));
    created.on("end", () => hop.finish());
    created.on("drain", onDrain);
    created.on("error", (error) => hop.failBy(error));
    return created;
  };
  return {
    write(chunk) {
      encodedBytes += chunk.length;
      if (encodedBytes > hop.maxBodyBytes + ENCODED_SLACK_BYTES) {
        hop.finish({ truncated: true });
        return false;
      }
      decoder ??= start(chunk);
      return decoder.write(chunk);
    },
    end() {
      if (decoder === undefined) hop.finish();
      else decoder.end();
    },
    destroy: () => decoder?.destroy(),
  };
}

function createTransform(coding: string, first: Buffer): Transform {
  if (coding === "br") return createBrotliDecompress();
  if (coding !== "deflate") return createGunzip();
  // "deflate" means zlib's format (RFC 9110, 8.4.1.2), but many servers send it bare; the first byte shows which it is.
  return ((first[0] ?? 0) & 0x0f) === 8 ? createInflate() : createInflateRaw();
}

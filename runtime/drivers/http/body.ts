import type { Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from "node:zlib";

interface BodyOptions {
  /** The answer's `content-encoding`. One that is not known is kept as it comes. */
  readonly encoding: string | undefined;
  readonly maxBytes: number;
  /** Called once: all there is, or the first `maxBytes` decoded bytes of more. */
  onEnd(text: string, truncated: boolean): void;
  /** Called once, instead, with an error that has zlib's code. */
  onError(error: Error): void;
  /** Called when `write` said false and there is room again. */
  onDrain(): void;
}

export interface Body {
  /** False: no more until `onDrain`. */
  write(chunk: Buffer): boolean;
  end(): void;
  destroy(): void;
}

/** Encoded bytes taken beyond `maxBytes`: a stream of empty blocks decodes to nothing for ever. */
const ENCODED_SLACK_BYTES = 64 * 1024;

/** Collects an answer's body, decoded, and never more than `maxBytes` and a chunk of it. */
export function createBody(options: BodyOptions): Body {
  const plain = collect(options);
  const coding = options.encoding?.trim().toLowerCase();
  return coding !== undefined && decodable.has(coding) ? decode(coding, plain, options) : plain;
}

interface Collected extends Body {
  /** What there is so far is all there will be, though there was more. */
  cut(): void;
}

function collect({ maxBytes, onEnd }: BodyOptions): Collected {
  const chunks: Buffer[] = [];
  let size = 0;
  let ended = false;
  const finish = (truncated: boolean) => {
    if (ended) return;
    ended = true;
    onEnd(Buffer.concat(chunks, Math.min(size, maxBytes)).toString("utf8"), truncated);
  };
  return {
    write(chunk) {
      if (ended) return false;
      chunks.push(chunk);
      size += chunk.length;
      if (size > maxBytes) finish(true);
      return !ended;
    },
    end: () => finish(false),
    cut: () => finish(true),
    destroy() {
      ended = true;
    },
  };
}

const decodable = new Set(["gzip", "x-gzip", "deflate", "br"]);

function decode(coding: string, plain: Collected, { maxBytes, onError, onDrain }: BodyOptions): Body {
  let decoder: Transform | undefined;
  let encodedSize = 0;
  const start = (first: Buffer): Transform => {
    const made = createDecoder(coding, first);
    made.on("data", (chunk: Buffer) => {
      if (!plain.write(chunk)) made.destroy();
    });
    made.on("end", plain.end);
    made.on("drain", onDrain);
    made.on("error", onError);
    return made;
  };
  return {
    write(chunk) {
      encodedSize += chunk.length;
      if (encodedSize > maxBytes + ENCODED_SLACK_BYTES) {
        plain.cut();
        decoder?.destroy();
        return false;
      }
      decoder ??= start(chunk);
      return decoder.write(chunk);
    },
    end() {
      if (decoder === undefined) plain.end();
      else decoder.end();
    },
    destroy() {
      plain.destroy();
      decoder?.destroy();
    },
  };
}

function createDecoder(coding: string, first: Buffer): Transform {
  if (coding === "br") return createBrotliDecompress();
  if (coding !== "deflate") return createGunzip();
  // "deflate" means zlib's format (RFC 9110, 8.4.1.2), but many servers send it bare; the first byte tells.
  return ((first[0] ?? 0) & 0x0f) === 8 ? createInflate() : createInflateRaw();
}

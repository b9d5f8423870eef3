import type { Socket } from "node:net";

const CONTINUE = Buffer.from("HTTP/1.1 100");
const END_OF_HEAD = "\r\n\r\n";
const MAX_HEAD_BYTES = 64 * 1024;

/**
 * Removes "100 Continue" from the beginning of what a socket reads. undici fails on one that it did not ask for, but a
 * server may send it (RFC 9110, 15.2), and old ones do for every POST.
 */
export function skipContinue(socket: Socket): void {
  const read = socket.read.bind(socket);
  let held: Buffer = Buffer.alloc(0);
  socket.read = (size?: number) => {
    const chunk: Buffer | null = read(size);
    if (chunk === null) return null;
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    while (mayBeContinue(held)) {
      const end = held.indexOf(END_OF_HEAD);
      if (end < 0) return null; // the rest of it is still to come
      held = held.subarray(end + END_OF_HEAD.length);
    }
    socket.read = read;
    return held;
  };
}

function mayBeContinue(bytes: Buffer): boolean {
  if (bytes.length > MAX_HEAD_BYTES) return false;
  const length = Math.min(bytes.length, CONTINUE.length);
  return CONTINUE.compare(bytes, 0, length, 0, length) === 0;
}

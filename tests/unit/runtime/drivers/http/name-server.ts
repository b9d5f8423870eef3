import { createSocket } from "node:dgram";

const A = 1;
const AAAA = 28;

/** What the server says of a name: its addresses, that there is no such name, that it failed, or nothing at all. */
export type NameAnswer = readonly string[] | "unknown" | "failed" | "silent";

export interface NameServer {
  /** `127.0.0.1:<port>`. */
  readonly address: string;
  /** Names asked for, once for every question. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

/** A DNS server (RFC 1035) over UDP on a free port. IPv4 addresses are full, IPv6 ones written in eight groups. */
export async function serveNames(answer: (name: string, family: 4 | 6) => NameAnswer): Promise<NameServer> {
  const asked: string[] = [];
  const socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    const { name, type, end } = parseQuestion(query);
    asked.push(name);
    const said = type === A || type === AAAA ? answer(name, type === A ? 4 : 6) : "unknown";
    if (said !== "silent") socket.send(reply(query.subarray(0, end), type, said), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

function parseQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  while (query[at] !== 0) {
    const length = query.readUInt8(at);
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join("."), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function reply(question: Buffer, type: number, said: readonly string[] | "unknown" | "failed"): Buffer {
  const addresses = typeof said === "string" ? [] : said;
  const code = said === "unknown" ? 3 : said === "failed" ? 2 : 0;
  const head = Buffer.from(question);
  head.writeUInt16BE(0x8180 | code, 2);
  head.writeUInt16BE(addresses.length, 6);
  head.writeUInt32BE(0, 8); // no authority, no additional records
  return Buffer.concat([head, ...addresses.map((address) => record(type, address))]);
}

function record(type: number, address: string): Buffer {
  const bytes =
    type === A
      ? Buffer.from(address.split(".").map(Number))
      : Buffer.from(
          address
            .split(":")
            .map((group) => group.padStart(4, "0"))
            .join(""),
          "hex",
        );
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0); // the name of the question
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4); // internet
  head.writeUInt16BE(bytes.length, 10);
  return Buffer.concat([head, bytes]);
}

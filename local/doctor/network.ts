import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { connect, isIP, type Socket } from "node:net";
import { type TLSSocket, connect as tlsConnect } from "node:tls";

/** Where a service listens, and how TLS begins there: at once, or as Postgres does it, after a word in the clear. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly tls: "none" | "at once" | "postgres";
}

const TIMEOUT_MS = 5000;
/** Postgres' SSLRequest: https://www.postgresql.org/docs/current/protocol-message-formats.html */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/** Resolves with what the name leads to, in words. Throws what the resolver says. */
export async function resolveName({ host }: Endpoint): Promise<string> {
  const addresses = await lookup(host, { all: true });
  return `${host} is ${addresses.map(({ address }) => address).join(", ")}`;
}

/** Connects and hangs up. */
export function reach(place: Endpoint): Promise<string> {
  return withSocket(place, async () => `port ${place.port} answers`);
}

/** Makes a TLS handshake, its certificate verified for the host's name, and hangs up. */
export function shakeHands(place: Endpoint): Promise<string> {
  return withSocket(place, async (socket, signal) => {
    if (place.tls === "postgres") await askForTls(socket, signal);
    const servername = isIP(place.host) === 0 ? { servername: place.host } : {};
    const secure = tlsConnect({ socket, host: place.host, ...servername });
    try {
      await once(secure, "secureConnect", { signal });
      return describe(secure);
    } finally {
      secure.destroy();
    }
  });
}

async function askForTls(socket: Socket, signal: AbortSignal): Promise<void> {
  socket.write(SSL_REQUEST);
  const [answer] = (await once(socket, "data", { signal })) as [Buffer];
  socket.pause();
  if (answer.toString() !== "S") throw new Error("the server does not speak TLS");
}

function describe(secure: TLSSocket): string {
  const until = new Date(secure.getPeerCertificate().valid_to).toISOString().slice(0, 10);
  return `${secure.getProtocol()}, its certificate is valid until ${until}`;
}

async function withSocket<T>({ host, port }: Endpoint, work: (socket: Socket, signal: AbortSignal) => Promise<T>) {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const socket = connect({ host, port });
  socket.on("error", () => {}); // whoever waits is told
  try {
    await once(socket, "connect", { signal });
    return await work(socket, signal);
  } catch (error) {
    if (signal.aborted) throw new Error(`no answer within ${TIMEOUT_MS / 1000} s`, { cause: error });
    throw error;
  } finally {
    socket.destroy();
  }
}

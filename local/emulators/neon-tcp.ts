import { connect, createServer, type Server, type Socket } from "node:net";
import { type SecureContext, TLSSocket } from "node:tls";
import type { NeonFaultPlayer } from "./neon-faults.ts";
import type { PostgresAddress } from "./neon-sessions.ts";
import { pipeBothWays } from "./pipe.ts";

interface TcpRoute {
  readonly postgres: PostgresAddress;
  readonly faults: NeonFaultPlayer;
  secureContext(): SecureContext;
  /** Whether this server answers for `host`. */
  isEndpoint(host: string): boolean;
}

/** The codes of the requests that a Postgres client may send first. */
const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;

/** Postgres' own protocol over TLS. It checks the server name that the client asks for, then forwards all bytes. */
export function createTcpServer(route: TcpRoute): Server {
  return createServer((socket) => {
    socket.on("error", () => socket.destroy());
    void accept(route, socket).catch(() => socket.destroy());
  });
}

async function accept(route: TcpRoute, socket: Socket): Promise<void> {
  const first = await nextRequest(socket);
  if (first === GSS_REQUEST) {
    socket.write("N");
    return accept(route, socket);
  }
  if (first !== SSL_REQUEST) return refuse(socket, "connection is insecure (try using `sslmode=require`)");
  socket.write("S");
  const secure = new TLSSocket(socket, { isServer: true, secureContext: route.secureContext() });
  secure.on("error", () => socket.destroy());
  await new Promise((resolve) => secure.once("secure", resolve));
  // Node sets it on the server's side; its types do not say so.
  const { servername } = secure as unknown as { servername: string | false | null };
  if (!servername)
    return refuse(secure, "Endpoint ID is not specified. Either please upgrade the postgres client library");
  if (!route.isEndpoint(servername)) return refuse(secure, "The requested endpoint could not be found");

  const gone = new AbortController();
  secure.on("close", () => gone.abort());
  if (await route.faults.untilAwake(gone.signal)) pipeBothWays(secure, connect(route.postgres));
}

/** The code of the request that a client sends first. Its eight bytes arrive together. */
async function nextRequest(socket: Socket): Promise<number> {
  const chunk = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
  socket.pause();
  return chunk.length < 8 ? 0 : chunk.readInt32BE(4);
}

/** Sends an ErrorResponse of Postgres' protocol, then closes. */
function refuse(socket: Socket, message: string): void {
  const fields = Buffer.from(`SERROR\0VERROR\0CXX000\0M${message}\0\0`);
  const head = Buffer.alloc(5, "E");
  head.writeInt32BE(fields.length + 4, 1);
  socket.end(Buffer.concat([head, fields]));
}

import { connect, createServer, type Server, type Socket } from "node:net";
import { type SecureContext, TLSSocket } from "node:tls";
import type { NeonFaultPlayer } from "./neon-faults.ts";
import type { PostgresAddress } from "./neon-sessions.ts";

interface TcpRoute {
  readonly postgres: PostgresAddress;
  readonly faults: NeonFaultPlayer;
  secureContext(): SecureContext;
  /** True for a host that this server answers for. */
  isEndpoint(host: string): boolean;
}

/** The requests that a Postgres client may begin with, by their number. */
const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;

/** Postgres' own protocol under TLS: whose name the client asks for decides, and behind TLS the bytes go through. */
export function createTcpServer(route: TcpRoute): Server {
  return createServer((socket) => {
    socket.on("error", () => socket.destroy());
    void letIn(route, socket).catch(() => socket.destroy());
  });
}

async function letIn(route: TcpRoute, socket: Socket): Promise<void> {
  const first = await nextRequest(socket);
  if (first === GSS_REQUEST) {
    socket.write("N");
    return letIn(route, socket);
  }
  if (first !== SSL_REQUEST) return refuse(socket, "connection is insecure (try using `sslmode=require`)");
  socket.write("S");
  const secure = new TLSSocket(socket, { isServer: true, secureContext: route.secureContext() });
  secure.on("error", () => socket.destroy());
  await new Promise((resolve) => secure.once("secure", resolve));
  // Node sets it for servers, its types do not say so.
  const { servername } = secure as unknown as { servername: string | false | null };
  if (!servername)
    return refuse(secure, "Endpoint ID is not specified. Either please upgrade the postgres client library");
  if (!route.isEndpoint(servername)) return refuse(secure, "The requested endpoint could not be found");

  const gone = new AbortController();
  secure.on("close", () => gone.abort());
  if (await route.faults.untilAwake(gone.signal)) join(secure, connect(route.postgres));
}

/** The number of the request that a client begins with; its eight bytes come at once. */
async function nextRequest(socket: Socket): Promise<number> {
  const chunk = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
  socket.pause();
  return chunk.length < 8 ? 0 : chunk.readInt32BE(4);
}

/** An ErrorResponse of Postgres' protocol, then the end. */
function refuse(socket: Socket, message: string): void {
  const fields = Buffer.from(`SERROR\0VERROR\0CXX000\0M${message}\0\0`);
  const head = Buffer.alloc(5, "E");
  head.writeInt32BE(fields.length + 4, 1);
  socket.end(Buffer.concat([head, fields]));
}

/** Either end takes the other with it. */
function join(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on("error", () => to.destroy()).on("close", () => to.destroy());
    from.pipe(to);
  }
}

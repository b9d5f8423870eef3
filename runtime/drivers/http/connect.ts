import { connect as connectTcp, isIP, type LookupFunction, type Socket } from "node:net";
import { connect as connectTls, type SecureContext } from "node:tls";
import { hostOf } from "./address.ts";

export interface Connection {
  readonly url: URL;
  /** Checked addresses, at least one. It connects to nothing else, and looks no name up again. */
  readonly addresses: readonly string[];
  readonly secureContext: SecureContext;
  /** The TCP connection is made; for https the handshake comes next. */
  onConnect(socket: Socket): void;
  /** The socket is ready for HTTP. */
  onReady(socket: Socket): void;
  onError(error: Error): void;
}

/**
 * How long one of several addresses may take before the next is tried. A lost packet is sent again after 1 s: with
 * Node's own 250 ms a distant or lossy target fails where its other address family has no route.
 */
const ATTEMPT_MS = 2500;

/** Opens a new connection to the first address that accepts one. `onError` may be called more than once. */
export function openSocket(connection: Connection): Socket {
  const { url, onConnect, onReady, onError } = connection;
  const secure = url.protocol === "https:";
  const where = destination(connection);
  const socket = secure ? connectTls({ ...where, ...tlsOptions(connection) }) : connectTcp(where);
  socket.setNoDelay(true);
  socket.on("error", onError);
  socket.once("connect", () => onConnect(socket));
  socket.once(secure ? "secureConnect" : "connect", () => onReady(socket));
  return socket;
}

function destination({ url, addresses }: Connection) {
  const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
  const [first = ""] = addresses;
  if (addresses.length === 1) return { host: first, port };
  const lookup: LookupFunction = (_hostname, _options, callback) => {
    callback(
      null,
      addresses.map((address) => ({ address, family: isIP(address) })),
    );
  };
  return { host: hostOf(url), port, lookup, autoSelectFamily: true, autoSelectFamilyAttemptTimeout: ATTEMPT_MS };
}

function tlsOptions({ url, secureContext }: Connection) {
  const hostname = hostOf(url);
  // A certificate is checked against the servername; for an address, which has none, against `host`.
  const servername = isIP(hostname) === 0 ? { servername: hostname } : {};
  return { ...servername, secureContext, ALPNProtocols: ["http/1.1"] };
}

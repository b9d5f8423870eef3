import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { PostgresTarget } from "./postgres-url.ts";

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/**
 * A connected socket, encrypted and its peer verified where the target says so. Done here and not by the driver, which
 * takes `require` for "do not verify" and connects again without end when the server closes before it has answered.
 * Throws the socket's own error, or `signal`'s reason.
 */
export async function openSocket(target: PostgresTarget, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  const socket = connect({ host: target.host, port: target.port, noDelay: true, keepAlive: true });
  socket.on("error", ignore);
  const abort = () => socket.destroy(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    await next(socket, "connect");
    return target.tls ? await encrypt(socket, target.host) : socket;
  } catch (error) {
    socket.destroy();
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

async function encrypt(socket: Socket, host: string): Promise<Socket> {
  socket.write(SSL_REQUEST);
  const answer = await next<Buffer>(socket, "data");
  // One byte and no more: anything behind it was not sent by the peer that TLS is going to verify.
  if (answer.length !== 1 || answer.toString() !== "S") {
    throw new Error("it does not offer TLS, which sslmode asks for");
  }
  const secure = connectTls({ socket, host, ...(isIP(host) ? {} : { servername: host }) });
  secure.on("error", ignore);
  try {
    await next(secure, "secureConnect");
    return secure;
  } catch (error) {
    secure.destroy();
    throw explainCertificate(error);
  }
}

/** Resolves with the next such event; rejects when the socket fails or closes before it. */
function next<T>(socket: Socket, event: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      socket.off(event, onEvent).off("error", onError).off("close", onClose);
      act();
    };
    const onEvent = (value: T) => settle(() => resolve(value));
    const onError = (error: Error) => settle(() => reject(error));
    const onClose = () => settle(() => reject(peerClosed()));
    socket.on(event, onEvent).on("error", onError).on("close", onClose);
  });
}

/** What a proxy does whose database is away. */
export function peerClosed(): Error {
  return Object.assign(new Error("it closed the connection"), { code: "ECONNRESET" });
}

function explainCertificate(error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (!/CERT|SIGNATURE|ERR_TLS/.test(code)) return error;
  const advice = "name the CA's file in NODE_EXTRA_CA_CERTS, or use the host that the certificate is for";
  return new Error(`its certificate cannot be verified (${code}); ${advice}`, { cause: error });
}

/** A socket may fail again after the failure that was reported; without a listener that ends the process. */
function ignore(): void {}

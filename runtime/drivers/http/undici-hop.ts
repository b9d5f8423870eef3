import { isIP, type Socket } from "node:net";
import type { SecureContext } from "node:tls";
import { hostOf, isAllowed } from "./address.ts";
import { openSocket } from "./connect.ts";
import { type Decoder, decodeInto } from "./decode.ts";
import type { Hop } from "./hop.ts";
import type { NetworkPolicy } from "./http.ts";
import { skipContinue } from "./skip-continue.ts";

interface UndiciHopOptions {
  readonly policy: NetworkPolicy;
  readonly secureContext: SecureContext;
  lookup(hostname: string): Promise<readonly string[]>;
  /** Called with every socket that is opened. */
  onSocket(socket: Socket): void;
}

/** One of undici's clients. It is free for another hop after `release`, and of no use after `discard`. */
export interface HopClient {
  /** Sends the hop's request over the socket that its `connect` gives, and reports the response to it. */
  send(hop: UndiciHop): void;
  release(): void;
  discard(): void;
}

type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;
type SocketCallback = (...result: [null, Socket] | [Error, null]) => void;

/**
 * undici ends a socket by an error of this code; made anew for each, its stack was an eighth of a plain HTTP check's
 * CPU (7,600 against 6,700 checks a CPU-second).
 */
const socketIsDone = Object.assign(new Error("The response is complete"), { code: "UND_ERR_INFO" });

/** One hop over a socket of its own: the handler that undici's client dispatches to. */
export class UndiciHop {
  readonly hop: Hop;
  readonly #client: HopClient;
  readonly #options: UndiciHopOptions;
  #socket: Socket | undefined;
  #decoder: Decoder | undefined;
  /** The socket is undici's. */
  #handedOver = false;
  #complete = false;

  constructor(hop: Hop, client: HopClient, options: UndiciHopOptions) {
    this.hop = hop;
    this.#client = client;
    this.#options = options;
  }

  start(): void {
    const { method, url } = this.hop.request;
    this.hop.enter(isIP(hostOf(url)) === 0 ? "dnsMs" : "connectMs");
    if (method === "CONNECT")
      this.hop.fail("connect", "ERR_INVALID_METHOD"); // would open a tunnel
    else this.#client.send(this);
  }

  /** After a complete response the client is free already. */
  free(): void {
    this.#decoder?.destroy();
    if (this.#complete) return;
    this.#client.discard();
    this.#socket?.destroy();
  }

  connect(callback: SocketCallback): void {
    const host = hostOf(this.hop.request.url);
    if (isIP(host) !== 0) {
      this.#open([host], callback);
      return;
    }
    this.#options
      .lookup(host)
      .then((addresses) => {
        if (this.hop.ended) return;
        this.hop.enter("connectMs");
        this.#open(addresses, callback);
      })
      .catch((error: unknown) => this.hop.failBy(error));
  }

  /** Connects only to addresses that are checked here. Forbidden ones among them are left out. */
  #open(addresses: readonly string[], callback: SocketCallback): void {
    const { hop } = this;
    const { policy, secureContext, onSocket } = this.#options;
    const { url } = hop.request;
    const allowed = addresses.filter((address) => isAllowed(address, policy));
    if (allowed.length === 0) {
      hop.fail("blocked", "FORBIDDEN_ADDRESS");
      return;
    }
    this.#socket = openSocket({
      url,
      addresses: allowed,
      secureContext,
      onConnect({ remoteAddress }) {
        if (remoteAddress === undefined)
          hop.fail("connect", "ECONNRESET"); // already gone again
        else if (!isAllowed(remoteAddress, policy)) hop.fail("blocked", "FORBIDDEN_ADDRESS");
        hop.enter(url.protocol === "https:" ? "tlsMs" : "firstByteMs");
      },
      onReady: (socket) => {
        if (hop.ended) return;
        hop.enter("firstByteMs");
        this.#handedOver = true;
        skipContinue(socket);
        callback(null, socket);
      },
      onError: (error) => {
        // Once the socket is undici's, undici reports the failure, after a response that it may still have. But it
        // waits for the socket's close, which a TLS error after the handshake does not cause by itself.
        if (this.#handedOver) this.#socket?.destroy();
        else hop.failBy(error);
      },
    });
    onSocket(this.#socket);
  }

  onRequestStart(): void {}

  onResponseStart(controller: { resume(): void }, statusCode: number, headers: ResponseHeaders): void {
    if (statusCode < 200 || !this.hop.respond(statusCode, Object.entries(headers))) return;
    const coding = headers["content-encoding"];
    this.#decoder = decodeInto(this.hop, Array.isArray(coding) ? coding[0] : coding, () => controller.resume());
  }

  onResponseData(controller: { pause(): void }, chunk: Buffer): void {
    if (this.hop.ended || this.#decoder?.write(chunk) !== true) controller.pause();
  }

  onResponseEnd(): void {
    if (this.hop.ended) return;
    this.#complete = true;
    this.#socket?.destroy(socketIsDone);
    this.#client.release();
    this.#decoder?.end();
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.hop.failBy(error);
  }
}

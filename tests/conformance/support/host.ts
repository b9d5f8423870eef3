import { request as httpRequest } from "node:http";
import { buffer } from "node:stream/consumers";

export interface Sent {
  readonly method: string;
  /** With its query, as it is to be sent. */
  readonly path: string;
  /** A name may stand there twice. */
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string | Uint8Array;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

export interface Queued {
  readonly id: string;
  readonly body: string;
  readonly attempts: number;
}

/** A deployment in its host's own runtime. */
export interface Host {
  /** As a client's request over the network. */
  send(request: Sent): Promise<Answered>;
  /** One tick of the host's clock; resolves when it is over. Left out where processes run. */
  tick?(): Promise<void>;
  /** Hands messages over as the host's queue does; resolves with the ids of those that are to come again. */
  queue?(messages: readonly Queued[], options?: { readonly inOrder?: boolean }): Promise<string[]>;
  /** What it has logged. */
  printed(): string;
  stop(): Promise<void>;
}

/** Over the network, nothing normalised: fetch would. */
export function sendHttp(origin: string, { method, path, headers = [], body }: Sent): Promise<Answered> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, method, path, agent: false }, (response) => {
      const answered = new Headers();
      const raw = response.rawHeaders;
      for (let at = 0; at < raw.length; at += 2) answered.append(raw[at] ?? "", raw[at + 1] ?? "");
      buffer(response).then(
        (whole) => resolve({ status: response.statusCode ?? 0, headers: answered, body: whole }),
        reject,
      );
    });
    request.on("error", reject);
    for (const name of new Set(headers.map(([each]) => each))) {
      request.setHeader(
        name,
        headers.filter(([each]) => each === name).map(([, value]) => value),
      );
    }
    if (body !== undefined) request.setHeader("content-length", Buffer.byteLength(body));
    request.end(body);
  });
}

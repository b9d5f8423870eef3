import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** What the control server shows and changes. */
export interface Controlled {
  readonly faults: { readonly current: object; set(faults: Record<string, unknown>): void };
  /** What the emulator was asked for so far. Shown beside the faults. */
  counts(): object;
  /** One-time actions by name, such as cutting connections. */
  readonly actions: Readonly<Record<string, () => void>>;
}

interface Control {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Starts an emulator's control server, in plain HTTP. GET / answers `{faults, counts}`. POST / sets the faults in its
 * JSON body and leaves the others. POST /<action> runs the action.
 */
export async function startControl(
  controlled: Controlled,
  { host = "127.0.0.1", port = 0 }: { readonly host?: string; readonly port?: number } = {},
): Promise<Control> {
  const server = createServer(async (request, response) => {
    const { method, url = "/" } = request;
    const action = controlled.actions[url.slice(1)];
    if (method === "POST" && url === "/") return send(response, setFaults(controlled, await text(request)));
    if (method === "POST" && action !== undefined) action();
    else if (method !== "GET" || url !== "/")
      return send(response, `${method} ${url} does not exist. Use GET /, POST / or POST /<action>`);
    send(response, null, { faults: controlled.faults.current, counts: controlled.counts() });
  });
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address() as AddressInfo;
  return {
    url: `http://${host}:${address.port}`,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Sets the faults in `body`. Returns what is wrong with them, or null. */
function setFaults({ faults }: Controlled, body: string): string | null {
  const wanted = parse(body);
  if (wanted === null) return "The faults must be a JSON object";
  const unknown = Object.keys(wanted).filter((name) => !(name in faults.current));
  if (unknown.length > 0)
    return `Unknown faults: ${unknown.join(", ")}. Known: ${Object.keys(faults.current).join(", ")}`;
  faults.set(wanted);
  return null;
}

function parse(body: string): Record<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === "object" && !Array.isArray(parsed) ? (parsed as Record<string, unknown> | null) : null;
  } catch {
    return null;
  }
}

function send(response: ServerResponse, error: string | null, content: object = {}): void {
  response.writeHead(error === null ? 200 : 400, { "content-type": "application/json" });
  response.end(`${JSON.stringify(error === null ? content : { error })}\n`);
}

import { Agent, buildConnector } from "undici";

/** Where the emulators for Neon and Upstash are. */
export interface Route {
  /** What is to be trusted, in PEM. */
  readonly ca: string;
  readonly streamHost: string;
  readonly streamPort: number;
  /** Of all other hosts: Neon's driver makes up a name of its own. */
  readonly sqlPort: number;
}

/** All that this process fetches. */
export interface Traffic {
  /** Resolves when no request is under way, every wake-up that was sent is heard, and what follows has begun. */
  settled(): Promise<void>;
  /** As when all connections have outlived their keep-alive; subscriptions stay. */
  forgetConnections(): void;
}

export interface TrafficOptions {
  readonly route: Route;
  /** Waited for before each trip to the database. */
  readonly beforeSql?: () => Promise<void>;
}

/** A wake-up that is not heard by then is lost. */
const BELL_MS = 2000;
const KEEP_ALIVE_MS = 4000;
/** How often the event loop turns before what follows from an answer has surely begun. */
const TURNS = 5;
/** Of the real clock, whatever is put in their place later. */
const { setTimeout: realSetTimeout, clearTimeout: realClearTimeout } = globalThis;

/** Puts `fetch` on the way to the emulators, and keeps an eye on it. */
export function routeTraffic({ route, beforeSql }: TrafficOptions): Traffic {
  const realFetch = fetch;
  let agent = createAgent(route);
  let requests = 0;
  let listeners = 0;
  /** Messages published, times those who listen, less those heard. */
  let unheard = 0;
  let activity = 0;
  let notify = () => {};
  const changed = () => {
    activity += 1;
    notify();
  };

  const hear = (response: Response): Response => {
    listeners += 1;
    const decoder = new TextDecoder();
    const counted = response.body?.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          unheard -= decoder.decode(chunk, { stream: true }).split("data: message,").length - 1;
          controller.enqueue(chunk);
          changed();
        },
      }),
    );
    return new Response(counted ?? null, response);
  };

  const tracked = async (url: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    requests += 1;
    try {
      if (String(url).endsWith("/sql")) await beforeSql?.();
      const options: object = { ...init, dispatcher: agent }; // the package's Agent and Node's differ in types alone
      const response = await realFetch(url, options);
      if (String(url).includes("/subscribe/")) return hear(response);
      unheard += publishedIn(init.body) * listeners;
      return new Response(await response.arrayBuffer(), response);
    } finally {
      requests -= 1;
      changed();
    }
  };
  Object.assign(globalThis, { fetch: tracked });

  const rest = async (): Promise<void> => {
    while (requests > 0 || unheard > 0) {
      const lost = realSetTimeout(() => {
        if (requests === 0) unheard = 0;
        notify();
      }, BELL_MS);
      await new Promise<void>((resolve) => {
        notify = resolve;
      });
      realClearTimeout(lost);
    }
  };
  return {
    async settled() {
      for (let before = -1; before !== activity; ) {
        await rest();
        before = activity;
        for (let turn = 0; turn < TURNS; turn++) await new Promise(setImmediate);
      }
    },
    forgetConnections() {
      agent = createAgent(route);
    },
  };
}

function createAgent({ ca, streamHost, streamPort, sqlPort }: Route): Agent {
  // What Node's own fetch does where a server says nothing of keep-alive; the emulators say something.
  const keepAlive = { keepAliveTimeout: KEEP_ALIVE_MS, keepAliveMaxTimeout: KEEP_ALIVE_MS };
  const secure = buildConnector({ ca, maxCachedSessions: 0 });
  return new Agent({
    ...keepAlive,
    connect(options, done) {
      const port = options.hostname === streamHost ? streamPort : sqlPort;
      secure({ ...options, hostname: "127.0.0.1", port: String(port), servername: options.hostname }, done);
    },
  });
}

function publishedIn(body: unknown): number {
  if (typeof body !== "string") return 0;
  const commands: unknown = JSON.parse(body);
  if (!Array.isArray(commands)) return 0;
  return commands.filter((command) => Array.isArray(command) && String(command[0]).toLowerCase() === "publish").length;
}

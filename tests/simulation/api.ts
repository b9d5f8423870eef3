import checkMonitor from "../../functions/api/check-monitor.ts";
import createChannel from "../../functions/api/create-channel.ts";
import createMonitor from "../../functions/api/create-monitor.ts";
import deleteChannel from "../../functions/api/delete-channel.ts";
import deleteMonitor from "../../functions/api/delete-monitor.ts";
import listIncidents from "../../functions/api/list-incidents.ts";
import pauseMonitor from "../../functions/api/pause-monitor.ts";
import resolveIncident from "../../functions/api/resolve-incident.ts";
import resumeMonitor from "../../functions/api/resume-monitor.ts";
import updateChannel from "../../functions/api/update-channel.ts";
import updateMonitor from "../../functions/api/update-monitor.ts";
import type { Ctx, Env, FetchFunction } from "../../runtime/contract.ts";
import type { Host } from "./host.ts";
import type { Timeline } from "./timeline.ts";

const routes = {
  createChannel: { fn: createChannel, method: "POST", path: () => "/v1/channels" },
  createMonitor: { fn: createMonitor, method: "POST", path: () => "/v1/monitors" },
  checkMonitor: { fn: checkMonitor, method: "POST", path: (id: string) => `/v1/monitors/${id}/check` },
  pauseMonitor: { fn: pauseMonitor, method: "POST", path: (id: string) => `/v1/monitors/${id}/pause` },
  resumeMonitor: { fn: resumeMonitor, method: "POST", path: (id: string) => `/v1/monitors/${id}/resume` },
  updateMonitor: { fn: updateMonitor, method: "PATCH", path: (id: string) => `/v1/monitors/${id}` },
  deleteMonitor: { fn: deleteMonitor, method: "DELETE", path: (id: string) => `/v1/monitors/${id}` },
  updateChannel: { fn: updateChannel, method: "PATCH", path: (id: string) => `/v1/channels/${id}` },
  deleteChannel: { fn: deleteChannel, method: "DELETE", path: (id: string) => `/v1/channels/${id}` },
  listIncidents: { fn: listIncidents, method: "GET", path: (query: string) => `/v1/incidents${query}` },
  resolveIncident: { fn: resolveIncident, method: "POST", path: (id: string) => `/v1/incidents/${id}/resolve` },
} satisfies Record<string, { fn: FetchFunction; method: string; path: (id: string) => string }>;
export type RouteName = keyof typeof routes;

/** How long a client waits for an answer: longer than any route may take. */
const PATIENCE_MS = 30_000;

interface ApiOptions {
  readonly timeline: Timeline;
  readonly host: Host;
  readonly env: Env;
  /** Notified of an answer of 5xx where the database had answered all along. */
  onRefusal(what: string): void;
}

export interface Answered {
  readonly status: number;
  readonly body: unknown;
}

/** A client of the API: its calls meet the real routes. */
export class Api {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  /** Begins a call; what it answers is told to `then`. */
  async begin(name: RouteName, id: string, body?: unknown, then: (answer: Answered) => void = () => {}): Promise<void> {
    const { timeline, host, onRefusal } = this.#options;
    await timeline.as(host, () => {
      const troubleBefore = host.sqlTrouble;
      void this.#call(name, id, body).then((answer) => {
        if (answer.status >= 500 && host.sqlTrouble === troubleBefore) onRefusal(`${name} answered ${answer.status}`);
        then(answer);
      });
    });
    await turns();
  }

  async #call(name: RouteName, id: string, body: unknown): Promise<Answered> {
    const { env, timeline } = this.#options;
    const { fn, method, path } = routes[name];
    const ctx: Ctx = {
      requestId: "simulated",
      deadline: timeline.now + PATIENCE_MS,
      signal: new AbortController().signal,
      waitUntil: (work) => void work,
    };
    const headers = { authorization: `Bearer ${env.config.apiKey}`, "content-type": "application/json" };
    const request = new Request(`http://api.simulated${path(id)}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const response = await (fn as FetchFunction).fetch(request, env, ctx);
    const text = await response.text();
    return { status: response.status, body: text === "" ? null : JSON.parse(text) };
  }
}

/** Some turns of the real event loop. */
async function turns(): Promise<void> {
  for (let n = 0; n < 5; n++) await new Promise((resolve) => setImmediate(resolve));
}

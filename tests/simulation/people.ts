import type { Answered, Api, RouteName } from "./api.ts";
import type { Trap } from "./faults.ts";
import type { Host } from "./host.ts";

/** Those who use the API. They know what its answers told them: a monitor whose answer was lost is nobody's. */
export class People {
  readonly #api: Api;
  readonly #host: Host;
  readonly #monitors: { readonly id: string; readonly target: number; moves: number }[] = [];
  readonly #channels: string[] = [];
  /** Channels that they disabled or deleted, or tried to: ids. */
  readonly closed = new Set<string>();
  #targets = 0;
  #receivers = 0;

  constructor(api: Api, host: Host) {
    this.#api = api;
    this.#host = host;
  }

  async addMonitor({ failures, recoveries }: { failures: number; recoveries: number }): Promise<void> {
    const target = this.#targets++;
    const body = {
      name: `monitor ${target}`,
      type: "http",
      url: urlOf(target, 0),
      intervalSeconds: target % 3 === 2 ? 10 : 5,
      failureThreshold: failures,
      recoveryThreshold: recoveries,
    };
    await this.#api.begin("createMonitor", "", body, (answered) => {
      if (isMade(answered)) this.#monitors.push({ id: idOf(answered), target, moves: 0 });
    });
  }

  /** Has another page of the same target checked. */
  async moveMonitor(n: number): Promise<void> {
    const monitor = this.#monitors[n];
    if (monitor === undefined) return;
    monitor.moves += 1;
    await this.#api.begin("updateMonitor", monitor.id, { url: urlOf(monitor.target, monitor.moves) });
  }

  async useMonitor(route: RouteName, n: number, body?: unknown): Promise<void> {
    const monitor = this.#monitors[n];
    if (monitor !== undefined) await this.#api.begin(route, monitor.id, body);
  }

  async chooseChannels(n: number, channels: readonly number[] | null): Promise<void> {
    const channelIds = channels?.flatMap((at) => this.#channels[at] ?? []) ?? null;
    await this.useMonitor("updateMonitor", n, { channelIds });
  }

  async resolveIncident(n: number): Promise<void> {
    const monitor = this.#monitors[n];
    if (monitor === undefined) return;
    await this.#api.begin("listIncidents", `?status=open&monitorId=${monitor.id}`, undefined, ({ status, body }) => {
      const [incident] = status === 200 ? (body as { items: { id: string }[] }).items : [];
      if (incident !== undefined) void this.#api.begin("resolveIncident", incident.id);
    });
  }

  async addChannel(): Promise<void> {
    const receiver = this.#receivers++;
    const config = { url: `http://receiver-${receiver}.simulated/` };
    const channel = { name: `channel ${receiver}`, type: "webhook", systemAlerts: receiver === 0, config };
    await this.#api.begin("createChannel", "", channel, (answered) => {
      if (isMade(answered)) this.#channels.push(idOf(answered));
    });
  }

  async closeChannel(route: "updateChannel" | "deleteChannel", n: number): Promise<void> {
    const id = this.#channels[n];
    if (id === undefined) return;
    this.closed.add(id);
    await this.#api.begin(route, id, route === "updateChannel" ? { disabled: true } : undefined);
  }

  async enableChannel(n: number): Promise<void> {
    const id = this.#channels[n];
    if (id !== undefined) await this.#api.begin("updateChannel", id, { disabled: false });
  }

  /** The API's process lives on: what would kill it has its calls lost. */
  arm(trap: Trap): void {
    const milder = { "kill before": "lose call", "kill after": "lose answer", "freeze after": "late" } as const;
    const { effect } = trap;
    this.#host.traps.push({
      ...trap,
      effect: effect in milder ? milder[effect as keyof typeof milder] : effect,
    } as Trap);
  }

  calm(): void {
    this.#host.traps.length = 0;
  }
}

/** A service may be away, but what people ask for is right. */
function isMade({ status, body }: Answered): boolean {
  if (status < 500 && status !== 201) throw new Error(`The API answered ${status}: ${JSON.stringify(body)}`);
  return status === 201;
}

function idOf({ body }: Answered): string {
  return (body as { id: string }).id; // as the API's schema says
}

function urlOf(target: number, page: number): string {
  return `http://target-${target}.simulated/${page}`;
}

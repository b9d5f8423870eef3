/** Where bundles run without a process of their own. `fetch`: anything that takes a fetch handler. */
export type HostName = "lambda" | "cloudflare" | "fetch";

/** What a host may offer beside HTTP: its own TCP and UDP sockets, and ICMP. */
export type Capability = "sockets" | "icmp";

/** What a function host cannot do, or not quickly. `/healthz` shows it, and the API refuses what would not work. */
export interface HostLimits {
  readonly host: HostName;
  /** Monitors with a shorter interval are refused. */
  readonly minIntervalSeconds: number;
  /** The longest time from the deciding response to the alert, with a tick of the host's clock each minute. */
  readonly alertWithinSeconds: number;
  /** Monitors that need anything else to be checked are refused. A process offers everything. */
  readonly capabilities: readonly Capability[];
  /** One sentence for each thing that cannot be done. */
  readonly limitations: string[];
}

/**
 * The default of WORK_SECONDS: how long one tick of the host's clock works. After a minute the next tick goes on. Other
 * hosts of a fetch handler may end a call after 30 s.
 */
export const defaultWorkSeconds: Readonly<Record<HostName, number>> = { lambda: 60, cloudflare: 60, fetch: 20 };

const TICK_SECONDS = 60;
/** How much longer a check between two ticks may wait: the next instance has to start, read and connect. */
const START_SECONDS = 5;
const MIN_INTERVAL_SECONDS = 5;

const withoutSockets = [
  "A check has its total time and the time of the body. The times of DNS, connect, TLS and the first byte are unknown.",
  "NETWORK_POLICY applies only to addresses that are written in a URL. The address of a host name is not checked.",
  "A compressed body that never ends and decodes to nothing ends with the time-out.",
];

const capabilities: Readonly<Record<HostName, readonly Capability[]>> = {
  lambda: ["sockets"],
  cloudflare: [],
  fetch: [],
};

const limitations: Readonly<Record<HostName, string[]>> = {
  lambda: [],
  cloudflare: [
    ...withoutSockets,
    "A failure of a certificate or a name is reported as a failed connection, or as a status 52x or 530.",
    "A tick makes at most 3 checks and 2 deliveries at once, because a call has 6 connections.",
  ],
  fetch: withoutSockets,
};

/** The limits of a host whose clock ticks each minute and works for `workSeconds` of it. */
export function limitsOf(host: HostName, workSeconds: number): HostLimits {
  const gapSeconds = Math.max(0, TICK_SECONDS - workSeconds);
  return {
    host,
    minIntervalSeconds: gapSeconds === 0 ? MIN_INTERVAL_SECONDS : TICK_SECONDS,
    alertWithinSeconds: gapSeconds + START_SECONDS,
    capabilities: capabilities[host],
    limitations: limitations[host],
  };
}

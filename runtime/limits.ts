/** Where bundles run without a process of their own. `fetch`: anything that takes a fetch handler. */
export type HostName = "lambda" | "cloudflare" | "fetch";

/** What a host may offer to checks beside HTTP: TCP and UDP of one's own, and ICMP. */
export type Capability = "sockets" | "icmp";

/** What a function host does not do, or not quickly. The API tells it, and refuses what would not work. */
export interface HostLimits {
  readonly host: HostName;
  /** Monitors with a shorter interval are refused. */
  readonly minIntervalSeconds: number;
  /** From the answer that decides to the alert sent, at most, while the host's clock ticks each minute. */
  readonly alertWithinSeconds: number;
  /** Monitors that need anything else to be checked are refused. A process offers everything. */
  readonly capabilities: readonly Capability[];
  /** What cannot be done, a sentence each. */
  readonly limitations: string[];
}

/**
 * WORK_SECONDS when left out: how long one tick of the host's clock works. For a minute, it hands over to the next; other
 * hosts of a fetch handler may end a call after 30 s.
 */
export const defaultWorkSeconds: Readonly<Record<HostName, number>> = { lambda: 60, cloudflare: 60, fetch: 20 };

const TICK_SECONDS = 60;
/** What a check between two ticks may have to wait besides: the next instance starts, reads and connects. */
const START_SECONDS = 5;
const MIN_INTERVAL_SECONDS = 5;

const withoutSockets = [
  "A check tells its whole time and how long the body took; DNS, connecting, TLS and the first byte are not told apart.",
  "NETWORK_POLICY holds for addresses written in a URL. What a name leads to is not seen, so it is not checked.",
  "A body that decodes to nothing for ever ends with the time-out, as nobody sees its size.",
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
    "A certificate's or name's failure comes as a failure to connect, or as a status of 52x or 530 of the network.",
    "At most 3 checks and 2 webhooks go out at once from a tick, of the 6 connections that a call has.",
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

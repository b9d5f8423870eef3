import { monthOf } from "./prices.ts";
import { type Cells, piped } from "./report.ts";

// What a month on a function host costs, in USD, without taxes and without what free plans give. As of November 2026, in
// the regions with the lowest prices; docs/deploying.md says where each was read and which could not be checked.
const LAMBDA = {
  perGbSecond: 0.0000133334, // arm64
  perRequest: 0.2 / 1e6,
  perApiRequest: 1 / 1e6,
  perSecret: 0.4,
  perAlarm: 0.1,
  perGbOut: 0.09,
};
const CLOUDFLARE = { plan: 5, includedCpuMs: 30e6, perCpuMs: 0.02 / 1e6 };
const CLOUD_RUN = { perCpuSecond: 0.000018, perGibSecond: 0.000002 };

const MINUTES = 30 * 24 * 60;
const WORKERS = 3;
const ALARMS = 7;

/**
 * The three workers' ticks, a minute, with checks every 60 s over plain HTTP: Lambda's artefacts on Node 20, bundles and
 * drivers, against the emulators, whose own work is among `cpuMs`. Between and beyond: a straight line.
 */
const SMALL = { monitors: 100, commands: 88, cpuMs: 1000 };
const LARGE = { monitors: 3000, commands: 174, cpuMs: 2200 };
/** What a tick of one more worker adds. */
const ANOTHER_WORKER = { commands: 5, cpuMs: 330 };
/** With services that stay, at 100 monitors: a day's are in docs/cost.md. */
const SERVICES_COMMANDS_A_MINUTE = 99_960 / 1440;
const TICK_SECONDS = 60.3;
const STORED_BYTES_A_CHECK = 190;
const RAW_DAYS = 7;
/** Assumed, not measured: what a check over TLS sends; a Worker's checks a minute, six connections and 0.3 s a target. */
const SENT_KB_A_CHECK = 2;
const CHECKS_A_WORKER = 600;
const API_REQUESTS = 100_000;

interface HostMonth {
  readonly host: string;
  readonly monitors: number;
  readonly hostUsd: number;
  readonly redisUsd: number;
  readonly neonUsd: number;
}

const onALine = (name: "commands" | "cpuMs", monitors: number) =>
  SMALL[name] + ((monitors - SMALL.monitors) * (LARGE[name] - SMALL[name])) / (LARGE.monitors - SMALL.monitors);

function lambdaMonth(monitors: number, monitoringMb: number): HostMonth {
  const gb = monitoringMb / 1024 + 2 * 0.25;
  const gbSeconds = gb * TICK_SECONDS * MINUTES + API_REQUESTS * 0.1 * 0.5;
  const invocations = WORKERS * MINUTES + API_REQUESTS;
  const gbOut = (monitors * MINUTES * SENT_KB_A_CHECK) / 1e6;
  const hostUsd =
    gbSeconds * LAMBDA.perGbSecond +
    invocations * LAMBDA.perRequest +
    API_REQUESTS * LAMBDA.perApiRequest +
    LAMBDA.perSecret +
    ALARMS * LAMBDA.perAlarm +
    gbOut * LAMBDA.perGbOut;
  return { host: "AWS Lambda", monitors, hostUsd, ...services(monitors, onALine("commands", monitors)) };
}

function cloudflareMonth(monitors: number): HostMonth {
  const more = Math.ceil(monitors / CHECKS_A_WORKER) - 1;
  const cpuMs = (onALine("cpuMs", monitors) + more * ANOTHER_WORKER.cpuMs) * MINUTES;
  const hostUsd = CLOUDFLARE.plan + Math.max(0, cpuMs - CLOUDFLARE.includedCpuMs) * CLOUDFLARE.perCpuMs;
  const commands = onALine("commands", monitors) + more * ANOTHER_WORKER.commands;
  return { host: "Cloudflare Workers", monitors, hostUsd, ...services(monitors, commands) };
}

/** Three workers of one processor and 512 MB; the API scales to zero. */
function cloudRunMonth(monitors: number): HostMonth {
  const perSecond = CLOUD_RUN.perCpuSecond + 0.5 * CLOUD_RUN.perGibSecond;
  const hostUsd = WORKERS * MINUTES * 60 * perSecond;
  const commands = onALine("commands", monitors) - SMALL.commands + SERVICES_COMMANDS_A_MINUTE;
  return { host: "Cloud Run", monitors, hostUsd, ...services(monitors, commands) };
}

/** The database is awake all day, on its smallest compute: 10,000 checks a minute take it 2 s of a processor. */
function services(monitors: number, commandsAMinute: number) {
  const storedGb = (monitors * 1440 * RAW_DAYS * STORED_BYTES_A_CHECK) / 1e9;
  const { redisUsd, neonUsd } = monthOf({ commands: commandsAMinute * 1440, awakeHours: 24, storedGb });
  return { redisUsd, neonUsd };
}

/** For docs/deploying.md. */
export function hostCostTable(): string {
  const months = [
    lambdaMonth(100, 256),
    lambdaMonth(10_000, 1769),
    cloudflareMonth(100),
    cloudflareMonth(10_000),
    cloudRunMonth(100),
    cloudRunMonth(10_000),
  ];
  const rows: Cells = months.map(({ host, monitors, ...usd }) => {
    const parts = [usd.hostUsd, usd.redisUsd, usd.neonUsd];
    const all = parts.reduce((sum, each) => sum + each, 0);
    return [host, monitors.toLocaleString("en-US"), ...[...parts, all].map((each) => each.toFixed(2))];
  });
  return piped([["", "monitors", "the host", "Upstash", "Neon", "USD a month"], ...rows]);
}

import { type ApiClient, eachOf } from "../testing/api.ts";
import type { Stillup } from "../testing/stillup.ts";
import { cpuMs, residentMb } from "./usage.ts";

export interface ServiceUsage {
  readonly name: string;
  readonly cpuMs: number;
  readonly residentMb: number;
}

/** Each process' processor time since its start (ms) and memory (MB). */
export async function usageOf({ services }: Stillup): Promise<ServiceUsage[]> {
  const usage = services.map(async ({ name, pid }) => ({
    name,
    cpuMs: await cpuMs(pid),
    residentMb: await residentMb(pid),
  }));
  return Promise.all(usage);
}

/** One webhook channel, and for each of these URLs a monitor that tells with the first answer. */
export async function createMonitors(
  api: ApiClient,
  { urls, webhookUrl, intervalSeconds }: { urls: readonly string[]; webhookUrl: string; intervalSeconds: number },
): Promise<void> {
  await api.call("POST", "/v1/channels", { name: "bench", type: "webhook", config: { url: webhookUrl } });
  const common = { type: "http", intervalSeconds, failureThreshold: 1, recoveryThreshold: 1 };
  await eachOf(urls, (url) => api.call("POST", "/v1/monitors", { ...common, name: url, url }));
}

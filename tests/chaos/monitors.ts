import { type ApiClient, eachOf } from "../../testing/api.ts";
import type { Host } from "./host.ts";
import type { Watched } from "./script.ts";

const MONITORS = 30;
/** Notified of every monitor and of Stillup itself, and takes everything. */
export const STEADY = "steady";
/** Each told of a quarter of the monitors. */
export const MOODY = ["moody-1", "moody-2", "moody-3", "moody-4"] as const;

/** Makes the receivers' channels, and the monitors with who is to be told of each. */
export async function createMonitors(api: ApiClient, host: Host) {
  const channels = new Map<string, string>();
  for (const name of [STEADY, ...MOODY]) {
    const systemAlerts = name === STEADY;
    const channel = { name, type: "webhook", default: false, systemAlerts, config: { url: host.receiverUrl(name) } };
    channels.set(name, (await api.call<{ id: string }>("POST", "/v1/channels", channel)).id);
  }
  const watched: Watched[] = [];
  const receiversOf = new Map<string, readonly string[]>();
  await eachOf(
    Array.from({ length: MONITORS }, (_, index) => index),
    async (index) => {
      const target = `t${index}`;
      const receivers = [STEADY, MOODY[index % MOODY.length] ?? STEADY];
      const { id } = await api.call<{ id: string }>("POST", "/v1/monitors", {
        name: target,
        type: "http",
        url: host.targetUrl(target),
        intervalSeconds: 5,
        failureThreshold: index % 5 === 1 ? 2 : 1,
        recoveryThreshold: index % 5 === 2 ? 2 : 1,
        channelIds: receivers.map((name) => channels.get(name)),
      });
      watched.push({ id, target });
      receiversOf.set(id, receivers);
    },
  );
  return { watched, receiversOf };
}

/** Every monitor's status, as the API tells it. Rejects while it does not. */
export async function readStatuses(apiUrl: string, apiKey: string): Promise<Map<string, string>> {
  const headers = { authorization: `Bearer ${apiKey}` };
  const answer = await fetch(`${apiUrl}/v1/monitors?limit=200`, { headers, signal: AbortSignal.timeout(5000) });
  if (!answer.ok) throw new Error(`The API answered ${answer.status}`);
  const { items } = (await answer.json()) as { items: readonly { id: string; status: string }[] };
  return new Map(items.map(({ id, status }) => [id, status]));
}

import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Sql } from "../../../runtime/drivers/sql/sql.ts";
import { addDeadLetters, addDeliveries } from "../../../testing/rows.ts";

/** The ids of one of each. */
export interface Ids {
  readonly monitor: string;
  readonly channel: string;
  readonly incident: string;
  readonly delivery?: string;
  readonly deadLetters?: string;
}

export interface RouteCall {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  /** What it is answered with when all is well. */
  readonly status: number;
  /** It needs no key. */
  readonly isOpen: boolean;
}

const folder = join(import.meta.dirname, "../../../functions/api");

export async function routeNames(): Promise<string[]> {
  return (await readdir(folder)).map((file) => basename(file, ".ts")).sort();
}

/** A call of every route, in an order in which all of them succeed. */
export async function routeCalls(sql: Sql, ids: Ids, receiverUrl: string): Promise<RouteCall[]> {
  const { monitor, channel, incident } = ids;
  const exhausted = ids.delivery === undefined ? await addExhausted(sql, ids) : [ids.delivery, ids.delivery];
  const apart =
    ids.deadLetters === undefined ? await addDeadLetters(sql, [{}, {}]) : [ids.deadLetters, ids.deadLetters];
  const aMonitor = { name: "Another", type: "http", url: "http://127.0.0.1:1/", intervalSeconds: 86_400 };
  const aChannel = { name: "Another", type: "webhook", default: false, config: { url: receiverUrl } };
  const routes: readonly (readonly [string, string, string, number, unknown?])[] = [
    ["get-healthz", "GET", "/healthz", 200],
    ["get-readyz", "GET", "/readyz", 200],
    ["get-openapi", "GET", "/openapi.json", 200],
    ["get-metrics", "GET", "/metrics", 200],
    ["create-channel", "POST", "/v1/channels", 201, aChannel],
    ["list-channels", "GET", "/v1/channels", 200],
    ["get-channel", "GET", `/v1/channels/${channel}`, 200],
    ["update-channel", "PATCH", `/v1/channels/${channel}`, 200, { name: "On call, too" }],
    ["test-channel", "POST", `/v1/channels/${channel}/test`, 200],
    ["create-monitor", "POST", "/v1/monitors", 201, aMonitor],
    ["list-monitors", "GET", "/v1/monitors", 200],
    ["get-monitor", "GET", `/v1/monitors/${monitor}`, 200],
    ["update-monitor", "PATCH", `/v1/monitors/${monitor}`, 200, { tags: ["shop"] }],
    ["check-monitor", "POST", `/v1/monitors/${monitor}/check`, 202],
    ["list-checks", "GET", `/v1/monitors/${monitor}/checks`, 200],
    ["get-uptime", "GET", `/v1/monitors/${monitor}/uptime`, 200],
    ["pause-monitor", "POST", `/v1/monitors/${monitor}/pause`, 200],
    ["resume-monitor", "POST", `/v1/monitors/${monitor}/resume`, 200],
    ["list-incidents", "GET", "/v1/incidents", 200],
    ["get-incident", "GET", `/v1/incidents/${incident}`, 200],
    ["resolve-incident", "POST", `/v1/incidents/${incident}/resolve`, 200],
    ["acknowledge-incident", "POST", `/v1/incidents/${incident}/acknowledge`, 200],
    ["list-deliveries", "GET", "/v1/deliveries", 200],
    ["get-delivery", "GET", `/v1/deliveries/${exhausted[0]}`, 200],
    ["cancel-delivery", "POST", `/v1/deliveries/${exhausted[0]}/cancel`, 200],
    ["retry-delivery", "POST", `/v1/deliveries/${exhausted[1]}/retry`, 200],
    ["retry-deliveries", "POST", "/v1/deliveries/retry", 200],
    ["list-dead-letters", "GET", "/v1/dead-letters", 200],
    ["get-dead-letter", "GET", `/v1/dead-letters/${apart[0]}`, 200],
    ["delete-dead-letter", "DELETE", `/v1/dead-letters/${apart[0]}`, 204],
    ["retry-dead-letter", "POST", `/v1/dead-letters/${apart[1]}/retry`, 204],
    ["retry-dead-letters", "POST", "/v1/dead-letters/retry", 200],
    ["delete-monitor", "DELETE", `/v1/monitors/${monitor}`, 204],
    ["delete-channel", "DELETE", `/v1/channels/${channel}`, 204],
  ];
  const isOpen = (name: string) => ["get-healthz", "get-readyz", "get-openapi"].includes(name);
  return routes.map(([name, method, path, status, body]) => ({
    name,
    method,
    path,
    status,
    isOpen: isOpen(name),
    ...(body === undefined ? {} : { body }),
  }));
}

async function addExhausted(sql: Sql, { monitor, channel }: Ids): Promise<string[]> {
  const exhausted = { channelId: channel, monitorId: monitor, status: "exhausted", attempts: 10 };
  return addDeliveries(
    sql,
    [100, 101].map((eventNumber) => ({ ...exhausted, eventNumber })),
  );
}

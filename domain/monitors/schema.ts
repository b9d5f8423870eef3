import * as z from "zod/mini";
import { described } from "../../runtime/api/described.ts";
import { kinds } from "../kinds/find-kind.ts";
import type { Kind } from "../kinds/kind.ts";
import { nameByType, unionByType } from "../shared/by-type.ts";
import { defaultsOf, viewOf } from "../shared/field-map.ts";
import { Id, line, oneOf, refuse, Time } from "../shared/fields.ts";
import { filter, page, pageOf } from "../shared/page.ts";
import { commonFields } from "./fields.ts";

function typeOf(kind: Kind) {
  return described(z.literal(kind.type, `must be "${kind.type}"`), "What kind of monitor it is; never changes.");
}

const inputExample = { name: "Shop", intervalSeconds: 30 };

/** A monitor of one kind as it is to be. Every rule is here: a change is checked by making it whole first. */
export function inputOf(kind: Kind) {
  const { name, ...common } = viewOf(commonFields, "input");
  const schema = z
    .strictObject({ name, type: typeOf(kind), ...viewOf(kind.config, "input"), ...common })
    .check((payload) => {
      const { intervalSeconds, timeoutMs } = payload.value;
      if (timeoutMs !== null && timeoutMs >= intervalSeconds * 1000) {
        refuse(payload, `must be shorter than the interval of ${intervalSeconds * 1000} ms`, ["timeoutMs"]);
      }
      kind.rules?.(payload);
    });
  return nameByType(schema, kind, {
    suffix: "MonitorInput",
    example: { ...inputExample, type: kind.type, ...kind.example },
  });
}

/** A monitor as it is to be. */
export const MonitorInput = unionByType(kinds, inputOf).register(z.globalRegistry, { id: "MonitorInput" });
export type MonitorInput = z.output<typeof MonitorInput>;

function patchOf(kind: Kind) {
  const { name, ...common } = viewOf(commonFields, "patch");
  const type = z.optional(typeOf(kind));
  const schema = z.strictObject({ name, type, ...viewOf(kind.config, "patch"), ...common });
  return nameByType(schema, kind, { suffix: "MonitorPatch", example: { intervalSeconds: 20, timeoutMs: null } });
}

/** What is to change of a monitor. What it may be depends on the monitor's kind, so `updateMonitor` checks it. */
export const MonitorPatch = z.record(z.string(), z.unknown()).register(z.globalRegistry, {
  documentedAs: () => unionByType(kinds, patchOf).register(z.globalRegistry, { id: "MonitorPatch" }),
});
export type MonitorPatch = z.output<typeof MonitorPatch>;

const MonitorStatus = oneOf("pending", "up", "down", "paused", "unknown");

const state = {
  status: described(MonitorStatus, "What was decided last; `unknown` when Stillup itself could not reach anything."),
  statusSince: described(Time, "When the status began."),
  lastCheckAt: described(z.nullable(Time), "When the last check began."),
  createdAt: described(Time, "When the monitor was added."),
  updatedAt: described(Time, "When the monitor was changed last."),
};

function shownOf(kind: Kind) {
  const { name, ...common } = viewOf(commonFields, "shown");
  const target = described(z.string(), "What is monitored, as one text.");
  const id = described(Id, "The id of the monitor.");
  const schema = z.object({
    id,
    name,
    type: typeOf(kind),
    target,
    ...viewOf(kind.config, "shown"),
    ...common,
    ...state,
  });
  const config = { ...defaultsOf(kind.config), ...kind.example };
  return nameByType(schema, kind, {
    suffix: "Monitor",
    example: {
      id: "mon_0f3b62c79d1e4a58b6c0",
      type: kind.type,
      target: kind.target(config),
      ...config,
      ...defaultsOf(commonFields),
      ...inputExample,
      timeoutMs: 10_000,
      tags: ["shop"],
      status: "up",
      statusSince: "2026-01-05T08:00:00.000Z",
      lastCheckAt: "2026-01-05T09:30:12.345Z",
      createdAt: "2026-01-05T07:59:58.123Z",
      updatedAt: "2026-01-05T07:59:58.123Z",
    },
  });
}

/** A monitor as it is shown: flat, with the fields of its kind beside those that all monitors have. */
export const Monitor = unionByType(kinds, shownOf).register(z.globalRegistry, { id: "Monitor" });
export type Monitor = z.output<typeof Monitor>;

export const MonitorQuery = z.strictObject({
  ...page,
  status: described(filter(MonitorStatus), "Only monitors with this status."),
  tag: described(filter(line(50)), "Only monitors with this tag."),
});
export type MonitorQuery = z.output<typeof MonitorQuery>;

export const MonitorPage = pageOf(Monitor).register(z.globalRegistry, { id: "MonitorPage" });

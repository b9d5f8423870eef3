import { describe, expect, it } from "vitest";
import { kinds } from "../../../../domain/kinds/find-kind.ts";
import { probes } from "../../../../domain/kinds/find-probe.ts";
import { commonFields } from "../../../../domain/monitors/fields.ts";
import { Monitor } from "../../../../domain/monitors/schema.ts";

describe("The registry of kinds", () => {
  it("has a probe for every kind, once", () => {
    expect(probes.map(({ kind }) => kind.type).sort()).toEqual(kinds.map(({ type }) => type));
    expect(new Set(kinds.map(({ type }) => type)).size).toBe(kinds.length);
  });

  it.each(kinds)("has fields of $type that no other field of a monitor hides", ({ type, config }) => {
    const option = Monitor.def.options.find(({ shape }) => shape.type.def.values.includes(type));
    const own = Object.keys(config);
    expect(own.filter((name) => name in commonFields || ["id", "type", "target"].includes(name))).toEqual([]);
    expect(own.filter((name) => option?.shape[name as keyof typeof option.shape] !== config[name]?.shown)).toEqual([]);
  });

  it.each(kinds)("has outcomes of $type beside the two that every kind has", ({ outcomes, ambiguous }) => {
    expect(outcomes.filter((outcome) => outcome === "ok" || outcome === "unknown")).toEqual([]);
    expect(ambiguous.filter((outcome) => !outcomes.includes(outcome))).toEqual([]);
  });
});

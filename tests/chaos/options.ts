import { parseArgs } from "node:util";
import type { ModeName } from "./modes.ts";

export interface Options {
  /** Minutes in which faults are injected, in each mode. */
  readonly minutes: number;
  readonly seed: number;
  readonly modes: readonly ModeName[];
  /** Only faults whose kind holds this; all when empty. */
  readonly only: string;
  readonly json: boolean;
}

export const USAGE = `npm run chaos -- [--minutes 18] [--seed 1] [--mode local|external] [--only <text>] [--json]

  --minutes   how long faults are injected, in each mode
  --seed      which faults, in which order; their timing is the machine's
  --mode      one mode alone; docs/reliability.md is written by a run of both with all faults
  --only      only faults whose kind holds this text, such as SIGKILL or postgres
  --json      prints the figures as JSON
`;

/** @throws Error that says which option needs a change. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: "string", default: "18" },
      seed: { type: "string", default: "1" },
      mode: { type: "string" },
      only: { type: "string", default: "" },
      json: { type: "boolean", default: false },
    },
  });
  const minutes = Number(values.minutes);
  if (!(minutes > 0 && minutes <= 24 * 60)) throw new Error("--minutes must be a number above 0, at most 1440.");
  const seed = Number(values.seed);
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32)
    throw new Error("--seed must be a whole number from 0 to 4294967295.");
  return { minutes, seed, modes: parseModes(values.mode), only: values.only, json: values.json };
}

function parseModes(mode: string | undefined): ModeName[] {
  if (mode === undefined) return ["local", "external"];
  if (mode !== "local" && mode !== "external") throw new Error("--mode must be local or external.");
  return [mode];
}

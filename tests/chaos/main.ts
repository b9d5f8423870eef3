import { parseArgs } from "node:util";
import { engineMissing } from "../compose/stack.ts";
import { complaints, judge } from "./judge.ts";
import { modes } from "./modes.ts";
import { runMode } from "./run-mode.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    mode: { type: "string" },
    only: { type: "string", default: "" },
  },
});
if (engineMissing !== null) throw new Error(engineMissing);
const cleanups: (() => Promise<unknown>)[] = [];
const progress = (t: string) => console.error(`${new Date().toISOString().slice(11, 19)} ${t}`);
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, async () => {
    while (cleanups.length)
      await cleanups
        .pop()?.()
        .catch(() => {});
    process.exit(130);
  });
try {
  for (const name of ["local", "external"] as const) {
    if (values.mode && values.mode !== name) continue;
    const run = await runMode(modes[name], {
      minutes: Number(values.minutes),
      seed: Number(values.seed),
      only: values.only,
      progress,
      cleanups,
    });
    const verdict = judge(run.evidence);
    const by: Record<string, number> = {};
    for (const f of run.evidence.faults) by[f.kind] = (by[f.kind] ?? 0) + 1;
    console.log(
      JSON.stringify(
        {
          by,
          verdict,
          settled: run.settledMs,
          versions: run.versions,
          checks: run.checks,
          stored: run.evidence.stored.changes.length,
        },
        null,
        1,
      ),
    );
    console.log(complaints(verdict));
    if (process.env["DUMP"])
      (await import("node:fs")).writeFileSync(
        `${process.env["DUMP"]}-${name}.json`,
        JSON.stringify({ ...run.evidence, told: [...run.evidence.told] }),
      );
  }
} finally {
  while (cleanups.length)
    await cleanups
      .pop()?.()
      .catch(() => {});
}

import { defineProbe } from "../../domain/kinds/probe.ts";
import { echo } from "./schema.ts";

/** Saying `bug` makes it throw, which no probe may. */
export const echoProbe = defineProbe({
  kind: echo,
  async check(_ports, { says, expects }) {
    if (says === "bug") throw new Error("Echo has a bug.");
    if (says === "silence") return { outcome: "silent", totalMs: 5, detail: "It said nothing; expected anything." };
    if (expects !== null && says !== expects) {
      return { outcome: "mismatch", totalMs: 5, detail: `It said "${says}"\u0007; expected "${expects}".` };
    }
    return { outcome: "ok", totalMs: 5, detail: null };
  },
});

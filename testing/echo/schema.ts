import * as z from "zod/mini";
import { defineKind } from "../../domain/kinds/kind.ts";
import { optional, required } from "../../domain/shared/field-map.ts";
import { flag, line, refuse } from "../../domain/shared/fields.ts";

/** A kind of monitor for tests: it connects nowhere and says what it is configured to say. */
export const echo = defineKind({
  type: "echo",
  form: 3,
  label: "Echo",
  icon: "megaphone",
  description: "Says a text and compares it with another.",
  config: {
    says: required(line(100), { description: "What it says: `silence` is an answer that does not come." }),
    expects: optional(line(100), null, { description: "What it must say." }),
    token: optional(line(100), null, { description: "A secret.", shown: z.nullable(z.string()) }),
    direct: optional(flag(), false, { description: "Whether it needs sockets." }),
  },
  example: { says: "hello" },
  rules(payload) {
    const { says, expects } = payload.value;
    if (says === "silence" && expects !== null) refuse(payload, "can never be said by silence", ["expects"]);
  },
  target: ({ says }) => `echo of ${says}`,
  outcomes: ["silent", "mismatch"],
  ambiguous: ["silent"],
  secrets: ["token"],
  needs: ({ direct }) => (direct ? ["sockets"] : []),
});

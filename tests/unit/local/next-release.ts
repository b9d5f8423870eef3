import { type AnotherRelease, copyRelease } from "../../../testing/another-release.ts";

/** A kind of monitor that this release does not know. It requests its URL; 200 is a success. */
const ECHO_KIND = `
import { required } from "../../shared/field-map.ts";
import { Url } from "../../shared/fields.ts";
import { defineKind } from "../kind.ts";

export const echo = defineKind({
  type: "echo",
  form: 1,
  label: "Echo",
  icon: "megaphone",
  description: "Requests a URL that must answer 200.",
  config: { url: required(Url, { description: "Where the request goes." }) },
  example: { url: "https://echo.example.com/" },
  target: ({ url }) => url,
  outcomes: ["silent"],
  ambiguous: [],
  secrets: [],
  needs: () => [],
});
`;

const ECHO_PROBE = `
import { defineProbe } from "../probe.ts";
import { echo } from "./schema.ts";

export const echoProbe = defineProbe({
  kind: echo,
  async check({ http }, { url }, { timeoutMs, signal }) {
    const answer = await http.call({ method: "GET", url, headers: {}, timeoutMs, maxRedirects: 0, maxBodyBytes: 0, signal });
    if (!answer.ok && answer.failure === "aborted") return null;
    const { totalMs, statusCode, phases } = answer;
    const outcome = answer.ok && statusCode === 200 ? "ok" : "silent";
    return { outcome, totalMs, statusCode, phases, detail: outcome === "ok" ? null : "It did not answer 200." };
  },
});
`;

/** A type of channel that this release does not know: JSON without a signature. */
const ECHO_CHANNEL = `
import * as z from "zod/mini";
import { required } from "../../../shared/field-map.ts";
import { Url } from "../../../shared/fields.ts";
import { defineChannelType } from "../../channel-type.ts";

export const echo = defineChannelType({
  type: "echo",
  label: "Echo",
  icon: "megaphone",
  description: "Sends JSON to a URL.",
  config: { url: required(Url, { description: "Where requests go.", shown: z.string() }) },
  example: { url: "https://echo.example.com/" },
  secrets: [],
});
`;

const ECHO_SENDER = `
import type { ValuesOf } from "../../../shared/field-map.ts";
import { resultOfHttp } from "../../send-result.ts";
import type { Sender } from "../../sender.ts";
import type { echo as schema } from "./schema.ts";

export const echo: Sender<ValuesOf<typeof schema.config, "input">, string> = {
  type: "echo",
  render: ({ id, type, data }) => JSON.stringify({ id, type, data }),
  async send({ http }, { url }, body) {
    const headers = { "content-type": "application/json" };
    return resultOfHttp(await http.call({ method: "POST", url, headers, body, maxRedirects: 0, maxBodyBytes: 1024 }));
  },
};
`;

/**
 * This release as its successor may be. It adds a kind `echo`, a type of channel `echo`, a field `inverted` to http
 * (an answer that is a success becomes a failure), which raises that kind's form to 2, and a field to every message. It
 * reads messages of form 2, too.
 */
export async function makeNextRelease(): Promise<AnotherRelease> {
  const next = await copyRelease();
  await addEcho(next);
  await raiseFormOfHttp(next);
  await changeMessages(next);
  return next;
}

async function addEcho(next: AnotherRelease): Promise<void> {
  await next.write("domain/kinds/echo/schema.ts", ECHO_KIND);
  await next.write("domain/kinds/echo/probe.ts", ECHO_PROBE);
  await next.append("domain/kinds/schemas.ts", 'export { echo } from "./echo/schema.ts";\n');
  await next.append("domain/kinds/probes.ts", 'export { echoProbe } from "./echo/probe.ts";\n');
  await next.write("domain/channels/types/echo/schema.ts", ECHO_CHANNEL);
  await next.write("domain/channels/types/echo/sender.ts", ECHO_SENDER);
  await next.append("domain/channels/schemas.ts", 'export { echo } from "./types/echo/schema.ts";\n');
  await next.append("domain/channels/senders.ts", 'export { echo } from "./types/echo/sender.ts";\n');
}

const INVERT = `
function invert(result: HttpCheckResult | null): HttpCheckResult | null {
  if (result === null) return null;
  return result.outcome === "ok"
    ? { ...result, outcome: "status", detail: "It answered; expected a failure." }
    : { ...result, outcome: "ok", detail: null };
}
`;

async function raiseFormOfHttp(next: AnotherRelease): Promise<void> {
  const [schema, probe] = ["domain/kinds/http/schema.ts", "domain/kinds/http/probe.ts"];
  const field = 'inverted: optional(z.boolean(), false, { description: "Whether a success is a failure." })';
  await next.replace(schema, "form: 1,", "form: 2,");
  await next.replace(schema, "body: optional(z", `${field},\n    body: optional(z`);
  await next.replace(probe, "headers, body, expect }, {", "headers, body, expect, inverted }, {");
  await next.replace(
    probe,
    "return judge(answer, expect);",
    "return inverted ? invert(judge(answer, expect)) : judge(answer, expect);",
  );
  await next.append(probe, INVERT);
}

async function changeMessages(next: AnotherRelease): Promise<void> {
  const [job, wakeUp] = ["domain/checks/claim-due-checks.ts", "domain/messaging/wake-up.ts"];
  await next.replace(job, "'type', m.type,", "'addedField', true, 'type', m.type,");
  await next.replace(wakeUp, "JSON.stringify({ v: 1, ids:", "JSON.stringify({ v: 1, addedField: true, ids:");
  await next.replace("domain/messaging/message.ts", "NEWEST_FORM = 1", "NEWEST_FORM = 2");
  for (const file of [wakeUp, "domain/checks/parse-checks.ts"]) {
    await next.replace(file, "v: z.literal(1)", "v: z.literal([1, 2])");
  }
}

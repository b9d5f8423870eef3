// The table in docs/deploying.md of which case passes on which host, from what vitest reports as JSON.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hostLimits } from "../../build/hosts.mjs";

/**
 * @import { JsonTestResult } from "vitest/node"
 * @import { HostName } from "../../runtime/limits.ts"
 */

const page = join(import.meta.dirname, "../../docs/deploying.md");
const MARKED = /(<!-- conformance -->\n)[\s\S]*?(<!-- \/conformance -->)/;
const HOSTS = ["AWS Lambda", "Cloudflare Workers", "A fetch handler", "Processes"];
/** @type {[HostName, string][]} */
const LIMITED = [
  ["lambda", "AWS Lambda"],
  ["cloudflare", "Cloudflare Workers"],
  ["fetch", "A fetch handler"],
];
/** @type {Partial<Record<JsonTestResult["assertionResults"][number]["status"], string>>} */
const SIGNS = { passed: "passes", failed: "**fails**" };

/**
 * Writes the table, unless only some of the hosts were tested.
 * @param {readonly JsonTestResult[]} testResults
 */
export async function writeTable(testResults) {
  /** @type {Map<string, Record<string, string | undefined>>} */
  const cases = new Map();
  for (const { ancestorTitles, title, status } of testResults.flatMap(({ assertionResults }) => assertionResults)) {
    cases.set(title, { ...cases.get(title), [`${ancestorTitles[0]}`]: SIGNS[status] });
  }
  const found = [...cases.values()];
  if (!HOSTS.every((host) => found.some((results) => host in results))) return;
  const rows = [...cases].map(
    ([title, results]) => `| ${title} | ${HOSTS.map((host) => results[host] ?? "–").join(" | ")} |`,
  );
  const table = [`| | ${HOSTS.join(" | ")} |`, `|---|${"---|".repeat(HOSTS.length)}`, ...rows];
  const text = `${[...table, "", ...(await limitLines())].join("\n")}\n`;
  const before = readFileSync(page, "utf8");
  const after = before.replace(MARKED, (_, begin, end) => begin + text + end);
  if (after !== before) writeFileSync(page, after);
}

async function limitLines() {
  const lines = ["A dash: the host does not have this. Limitations of each:", ""];
  for (const [host, name] of LIMITED) {
    const { workSeconds, minIntervalSeconds, alertWithinSeconds, limitations } = await hostLimits(host);
    const ticks = `a tick each minute works for ${workSeconds} s (\`WORK_SECONDS\`)`;
    const quick = `intervals from ${minIntervalSeconds} s, an alert within ${alertWithinSeconds} s of the deciding answer, as long as ticks come in time`;
    lines.push(`- **${name}**: ${ticks}: ${quick}. ${limitations.join(" ")}`.trimEnd());
  }
  return lines;
}

// node deploy/generate.mjs: writes the templates that repeat what the build knows of its functions, from dist/manifest.json
// and .env.
import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { stringify } from "yaml";
import { wranglerConfig } from "./cloudflare/wrangler.mjs";
import { lambdaTemplate } from "./lambda/template.mjs";

const ROOT = join(import.meta.dirname, "..");

/**
 * The text of each file, by its path in the repository.
 * @param {import("../runtime/manifest.ts").Manifest} manifest
 * @returns {Record<string, string>}
 */
export function deploymentFiles(manifest) {
  const defaults = parseEnv(readFileSync(join(ROOT, ".env"), "utf8"));
  const notice = (source) => `Made by node deploy/generate.mjs: change deploy/${source}, not this.`;
  return {
    "deploy/lambda/template.yaml": `# ${notice("lambda/template.mjs")}\n${yaml(lambdaTemplate(manifest, defaults))}`,
    "deploy/cloudflare/wrangler.jsonc": `// ${notice("cloudflare/wrangler.mjs")}\n${json(wranglerConfig(manifest, defaults))}`,
  };
}

function yaml(value) {
  return stringify(value, { version: "1.1", aliasDuplicateObjects: false, lineWidth: 0 });
}

/** As the formatter writes it: lists of words on one line. */
function json(value) {
  return `${JSON.stringify(value, null, 2).replace(/\[\s+([^\]{}]*?)\s+\]/g, (_, words) => `[${words.replace(/\s+/g, " ")}]`)}\n`;
}

if (process.argv[1] === import.meta.filename) {
  const manifest = JSON.parse(await readFile(join(ROOT, "dist/manifest.json"), "utf8"));
  for (const [path, text] of Object.entries(deploymentFiles(manifest))) await writeFile(join(ROOT, path), text);
}

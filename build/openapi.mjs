// The OpenAPI document of all routes, which get-openapi imports as "virtual:openapi".
import { existsSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { bundle, load, portable, ROOT, virtualModule } from "./bundling.mjs";

/** What the document is imported as. */
export const DOCUMENT = "virtual:openapi";
/** Exports `webhooks`: the requests that Stillup sends. A project may have none. */
const WEBHOOKS = "domain/channels/webhooks.ts";

/**
 * The OpenAPI document of these routes in `root`, as JSON, deflated, in base64.
 * @param {readonly string[]} routes names of function files
 * @param {string} [root]
 * @throws {Error} that names the route which cannot be described.
 */
export async function openApiDocument(routes, root = ROOT) {
  const imports = routes.map((name, index) => `import * as r${index} from "./functions/api/${name}.ts";`);
  const list = routes.map((name, index) => `{ name: "${name}", route: r${index}.route }`);
  const hasWebhooks = existsSync(join(root, WEBHOOKS));
  const contents = `import { openApiDocument } from "./runtime/api/openapi.ts";
${hasWebhooks ? `import { webhooks } from "./${WEBHOOKS}";` : "const webhooks = [];"}
${imports.join("\n")}
const routes = [${list}];
for (const each of routes) {
  try {
    openApiDocument([each]);
  } catch (error) {
    throw new Error("functions/api/" + each.name + ".ts exports a route that OpenAPI cannot describe: " + error, { cause: error });
  }
}
export default JSON.stringify(openApiDocument(routes, webhooks));`;
  const { outputFiles } = await bundle({
    ...portable,
    absWorkingDir: root,
    stdin: { contents, resolveDir: root, sourcefile: "openapi-entry.ts" },
    // The route that serves the document is described in it too; for that it need not contain it.
    plugins: [virtualModule(DOCUMENT, "")],
  });
  const [output] = outputFiles;
  if (output === undefined) throw new Error("esbuild made no bundle of the routes.");
  const { default: json } = await load(output.contents);
  return deflateRawSync(`${json}`, { level: 9 }).toString("base64");
}

// Serves a fetch handler as plain Node would: `node serve-fetch.mjs <file>`. Prints where.
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { getRequestListener } from "@hono/node-server";

const { default: app } = await import(pathToFileURL(process.argv[2] ?? "").href);
const server = createServer(getRequestListener((request) => app.fetch(request)));
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object") console.log(`http://127.0.0.1:${address?.port}`);
});
process.on("SIGTERM", () => process.exit(0));

// Something to try Stillup on, at port 8099 of every interface: a target that can be broken and fixed, and a receiver
// that prints the webhooks it is sent. Plain Node, nothing to install: npm run demo.
import { createServer } from "node:http";

const port = 8099;
const maxBytes = 1024 * 1024;
let isBroken = false;

/** @import { IncomingMessage } from "node:http" */

const say = (/** @type {string} */ text) => console.log(`${new Date().toLocaleTimeString("en-GB")}  ${text}`);

/** @param {IncomingMessage} request */
async function receive(request) {
  let text = "";
  for await (const part of request) {
    text += part;
    if (text.length > maxBytes) throw new Error("The webhook is too long.");
  }
  const event = JSON.parse(text);
  say(`webhook  ${event.type}  ${event.text}`);
}

/**
 * @param {IncomingMessage} request
 * @returns {Promise<[status: number, text?: string]>}
 */
async function answer(request) {
  switch (request.url) {
    case "/":
      return isBroken ? [500, "broken\n"] : [200, "well\n"];
    case "/break":
    case "/fix":
      isBroken = request.url === "/break";
      say(`target   ${isBroken ? "broken" : "fixed"}`);
      return [200, `The target is ${isBroken ? "broken" : "well"}.\n`];
    case "/hook":
      await receive(request);
      return [204];
    default:
      return [404, "There are /, /break, /fix and /hook.\n"];
  }
}

/**
 * @param {Error} error
 * @returns {[status: number, text: string]}
 */
function refuse({ message }) {
  return [400, `${message}\n`];
}

const server = createServer(async (request, response) => {
  const [status, text] = await answer(request).catch(refuse);
  response.writeHead(status, { "content-type": "text/plain" }).end(text);
});
server.on("error", (/** @type {NodeJS.ErrnoException} */ error) => {
  console.error(error.code === "EADDRINUSE" ? `Port ${port} is taken: is another demo running?` : error.message);
  process.exit(1);
});
server.listen(port, "0.0.0.0", () =>
  say(`ready    target http://127.0.0.1:${port}/  receiver http://127.0.0.1:${port}/hook`),
);

// node cold-fetch.mjs <module> <path>: loads a fetch handler, asks it once, prints the status.
const [, , module = "", path = ""] = process.argv;
const { default: handler } = await import(module);
const headers = { authorization: `Bearer ${process.env["API_KEY"]}` };
const response = await handler.fetch(new Request(`http://stillup.example${path}`, { headers }));
await response.text();
process.stdout.write(String(response.status));

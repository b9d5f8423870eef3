import { readFile } from "node:fs/promises";

const TIMEOUT_MS = 30_000;

/** What a command fails with; its message says what to do. Exit code 1: it could not be done; 2: it was not understood. */
export class CliError extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * The API as its operators use it: `call(method, path)` resolves with the answer's JSON, undefined when it has none.
 * Both throw a CliError. `url` is `--url`'s; `keyFile` is where `npm start` keeps its key.
 */
export async function createClient({ url, variables, keyFile }) {
  const origin = originOf(url || variables["STILLUP_URL"] || `http://127.0.0.1:${variables["PORT"] || 3000}`);
  const key = variables["API_KEY"] || (await readKey(keyFile));
  return {
    async call(method, path) {
      const answer = await send(origin + path, {
        method,
        headers: { authorization: `Bearer ${key}` },
        redirect: "manual", // followed, a POST would become a GET
        signal: AbortSignal.timeout(TIMEOUT_MS),
      }).catch((error) => {
        throw new CliError(unreachable(origin, error));
      });
      if (!answer.ok) throw new CliError(refused(answer, origin));
      return answer.text === "" ? undefined : parse(answer.text, origin);
    },
  };
}

function originOf(url) {
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return url.replace(/\/+$/, "");
  throw new CliError(`--url or STILLUP_URL must be such as http://127.0.0.1:3000, and is ${url}.`, 2);
}

async function readKey(path) {
  const key = (await readFile(path, "utf8").catch(() => "")).trim();
  if (key !== "") return key;
  throw new CliError(`There is no API key. Set API_KEY; the key of \`npm start\` would be in ${path}.`);
}

async function send(url, request) {
  const response = await fetch(url, request);
  return { ok: response.ok, status: response.status, headers: response.headers, text: await response.text() };
}

function unreachable(origin, { name, message, cause }) {
  const why =
    name === "TimeoutError" ? `no answer within ${TIMEOUT_MS / 1000} s` : cause?.code || cause?.message || message;
  return `No Stillup answers at ${origin} (${why}). Start it, or name another address with --url or STILLUP_URL.`;
}

function refused({ status, headers, text }, origin) {
  if (status === 401) return `${origin} does not know this API key. Set API_KEY to the key of that Stillup.`;
  const location = headers.get("location");
  if (location !== null) return `${origin} redirects to ${location}. Name that address with --url or STILLUP_URL.`;
  const isProblem = headers.get("content-type")?.startsWith("application/problem+json");
  return isProblem ? parse(text, origin).detail : notStillup(origin, status);
}

function parse(text, origin) {
  try {
    return JSON.parse(text);
  } catch {
    throw new CliError(notStillup(origin, 200));
  }
}

function notStillup(origin, status) {
  return `What answers at ${origin} (${status}) is no Stillup. Name its address with --url or STILLUP_URL.`;
}

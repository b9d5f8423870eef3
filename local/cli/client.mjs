import { readFile } from "node:fs/promises";

/**
 * @import { Variables } from "../../runtime/config/config.ts"
 *
 * @typedef {object} Client
 * @property {<Answer>(method: string, path: string, missing?: CliError) => Promise<Answer>} call Resolves with the
 *   answer's JSON, undefined when it has none. Rejects with `missing` when nothing has the id in the path.
 *
 * @typedef {{ ok: boolean, status: number, headers: Headers, text: string }} Answered
 */

const TIMEOUT_MS = 30_000;

/** A command failed. The message says what to do. */
export class CliError extends Error {
  /**
   * @param {string} message
   * @param {1 | 2} [exitCode] 1: it could not be done; 2: the command line is wrong
   */
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * The API as its operators use it.
 * @param {{ url: string | undefined, variables: Variables, keyFile: string }} options `url` is the option --url;
 *   `keyFile` is where `npm start` keeps its key
 * @returns {Promise<Client>}
 * @throws {CliError} also from each call
 */
export async function createClient({ url, variables, keyFile }) {
  const origin = originOf(url || variables["STILLUP_URL"] || `http://127.0.0.1:${variables["PORT"] || 3000}`);
  const key = sendable(variables["API_KEY"] || (await readKey(keyFile)), variables["API_KEY"] ? "API_KEY" : keyFile);
  return {
    async call(method, path, missing) {
      const answer = await send(origin + path, {
        method,
        headers: { authorization: `Bearer ${key}` },
        redirect: "manual", // followed, a POST would become a GET
        signal: AbortSignal.timeout(TIMEOUT_MS),
      }).catch((error) => {
        throw new CliError(unreachable(origin, error));
      });
      if (!answer.ok) throw refused(answer, origin, missing);
      return answer.text === "" ? undefined : parse(answer.text, origin);
    },
  };
}

/** @param {string} url */
function originOf(url) {
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return url.replace(/\/+$/, "");
  throw new CliError(`--url or STILLUP_URL must be such as http://127.0.0.1:3000, and is ${url}.`, 2);
}

/** @param {string} path */
async function readKey(path) {
  const key = (await readFile(path, "utf8").catch(() => "")).trim();
  if (key !== "") return key;
  throw new CliError(`There is no API key. Set API_KEY; the key of \`npm start\` would be in ${path}.`);
}

/**
 * The key, if it can be sent: the error of `fetch` would show it.
 * @param {string} key
 * @param {string} where
 */
function sendable(key, where) {
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new CliError(`${where} holds characters that no API key has: spaces, line ends, or other than ASCII.`);
}

/**
 * @param {string} url
 * @param {RequestInit} request
 * @returns {Promise<Answered>}
 */
async function send(url, request) {
  const response = await fetch(url, request);
  return { ok: response.ok, status: response.status, headers: response.headers, text: await response.text() };
}

/**
 * @param {string} origin
 * @param {Error & { cause?: { code?: string, message?: string } }} error
 */
function unreachable(origin, { name, message, cause }) {
  const why =
    name === "TimeoutError" ? `no answer within ${TIMEOUT_MS / 1000} s` : cause?.code || cause?.message || message;
  return `No Stillup answers at ${origin} (${why}). Start it, or name another address with --url or STILLUP_URL.`;
}

/**
 * @param {Answered} answer
 * @param {string} origin
 * @param {CliError | undefined} missing
 */
function refused({ status, headers, text }, origin, missing) {
  if (status === 401) {
    const remedy = "Set API_KEY to the key of that Stillup, or name another address with --url or STILLUP_URL.";
    return new CliError(`${origin} does not accept this API key. ${remedy}`);
  }
  const location = headers.get("location");
  if (location !== null) {
    return new CliError(`${origin} redirects to ${location}. Name that address with --url or STILLUP_URL.`);
  }
  const isProblem = headers.get("content-type")?.startsWith("application/problem+json");
  if (!isProblem) return new CliError(notStillup(origin, status));
  const { detail } = parse(text, origin);
  if (status === 400) return new CliError(detail.replaceAll("query.", ""), 2);
  if (status !== 404) return new CliError(detail);
  // The only other 404 is of the address itself: a Stillup is there, and not where this was asked.
  return missing !== undefined && detail.endsWith("with this id.") ? missing : new CliError(notStillup(origin, status));
}

/**
 * @param {string} text
 * @param {string} origin
 */
function parse(text, origin) {
  try {
    return JSON.parse(text);
  } catch {
    throw new CliError(notStillup(origin, 200));
  }
}

/**
 * @param {string} origin
 * @param {number} status
 */
function notStillup(origin, status) {
  return `The server at ${origin} is not Stillup (it responded ${status}). Set the address of Stillup with --url or STILLUP_URL.`;
}

import { ID } from "../../runtime/api/id.mjs";
import { CliError } from "./client.mjs";
import { block, fields, print, printable, printError, table } from "./text.mjs";

/**
 * @import { Client } from "./client.mjs"
 * @import { Item, Resource } from "./resources.mjs"
 *
 * @typedef {object} Command A command line that was understood.
 * @property {Resource} resource
 * @property {Client} client
 * @property {readonly string[]} ids
 * @property {boolean} all
 * @property {boolean} json
 * @property {URLSearchParams} query Narrows lists and `retry --all` down.
 *
 * @typedef {{ items: Item[], nextCursor: string | null }} Page
 * @typedef {(command: Command) => Promise<0 | 1>} Verb Resolves with the exit code.
 */

/**
 * What operators do.
 * @type {Readonly<Record<string, Verb>>}
 */
export const verbs = { list, show, retry, drop };

/** @type {Verb} */
async function list({ resource, client, all, json, query }) {
  const items = [];
  let cursor = null;
  if (all) query.set("limit", "200");
  do {
    if (cursor !== null) query.set("cursor", cursor);
    /** @type {Page} */
    const page = await client.call("GET", `${resource.path}?${query}`);
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (all && cursor !== null);
  if (json) print(asJson({ items, nextCursor: cursor }));
  else if (items.length === 0) print("No entries.\n");
  else print(tableOf(resource, items));
  if (!json && cursor !== null) printError("More entries exist. Use --all to list them.");
  return 0;
}

/**
 * @param {Resource} resource
 * @param {readonly Item[]} items
 */
function tableOf({ columns }, items) {
  const titles = columns.map(([title]) => title);
  const rows = items.map((item) => columns.map(([, field]) => item[field]));
  return table(titles, rows);
}

/** @type {Verb} */
async function show({ resource, client, ids: [id = ""], json }) {
  /** @type {Item} */
  const item = await callOne({ resource, client }, ["GET", ""], id);
  const { [resource.content]: content, ...others } = item;
  const text = typeof content === "string" ? content : JSON.stringify(content, null, 2);
  print(json ? asJson(item) : `${fields(others)}\n${block(text)}`);
  return 0;
}

/** @type {Verb} */
async function retry({ resource, client, ids, all, json, query }) {
  if (!all) return each((id) => retryOne({ resource, client }, id), "retried", { ids, json });
  let retried = 0;
  let cursor = null;
  do {
    if (cursor !== null) query.set("cursor", cursor);
    /** @type {{ retried: number, nextCursor: string | null }} */
    const answer = await client.call("POST", `${resource.path}/retry?${query}`);
    retried += answer.retried;
    cursor = answer.nextCursor;
  } while (cursor !== null);
  print(json ? asJson({ retried }) : `${retried} retried\n`);
  return 0;
}

/**
 * Resolves with why there was nothing to retry, else null.
 * @param {Pick<Command, "resource" | "client">} command
 * @param {string} id
 */
async function retryOne(command, id) {
  const { done } = command.resource;
  const why = done === undefined ? null : done(await callOne(command, ["GET", ""], id));
  if (why === null) await callOne(command, ["POST", "/retry"], id);
  return why;
}

/** @type {Verb} */
async function drop({ resource, client, ids, json }) {
  const dropOne = async (/** @type {string} */ id) => {
    await callOne({ resource, client }, resource.drop, id);
    return null;
  };
  return each(dropOne, "dropped", { ids, json });
}

/**
 * Does it to one id after the other. One that fails is reported, and the others go on.
 * @param {(id: string) => Promise<string | null>} act
 * @param {string} done
 * @param {Pick<Command, "ids" | "json">} command
 */
async function each(act, done, { ids, json }) {
  const succeeded = [];
  const unchanged = [];
  const failed = [];
  for (const id of ids) {
    try {
      const reason = await act(id);
      if (reason === null) succeeded.push(id);
      else unchanged.push({ id, reason });
      if (!json) print(`${id}  ${reason ?? done}\n`);
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      failed.push({ id, error: error.message });
      printError(error.message.includes(printable(id)) ? error.message : `${id}: ${error.message}`);
    }
  }
  if (json) print(asJson({ [done]: succeeded, unchanged, failed }));
  return failed.length === 0 ? 0 : 1;
}

/**
 * Calls the API for one id. A text that cannot be an id is never sent: in a path, "." would mean all of them.
 * @template Answer
 * @param {Pick<Command, "resource" | "client">} command
 * @param {readonly [method: string, after: string]} call
 * @param {string} id
 * @returns {Promise<Answer>}
 */
async function callOne({ resource, client }, [method, after], id) {
  const missing = new CliError(resource.missing(printable(id)));
  if (!ID.test(id)) throw missing;
  return client.call(method, `${resource.path}/${id}${after}`, missing);
}

/** @param {unknown} value */
function asJson(value) {
  return `${JSON.stringify(value, null, 2)}\n`;
}

import { CliError } from "./client.mjs";
import { block, fields, print, printable, table, tell } from "./text.mjs";

/**
 * What operators do. Each takes a command that was understood, `{thing, client, ids, all, json, query}`, where
 * `query` narrows it down, and resolves with the exit code.
 */
export const verbs = { list, show, retry, drop };

async function list({ thing, client, all, json, query }) {
  const items = [];
  let cursor = null;
  if (all) query.set("limit", "200");
  do {
    if (cursor !== null) query.set("cursor", cursor);
    const page = await client.call("GET", `${thing.path}?${query}`);
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (all && cursor !== null);
  if (json) print(asJson({ items, nextCursor: cursor }));
  else if (items.length === 0) print("No entries.\n");
  else print(tableOf(thing, items));
  if (!json && cursor !== null) tell("More entries exist. Use --all to list them.");
  return 0;
}

function tableOf({ columns }, items) {
  const titles = columns.map(([title]) => title);
  return table(
    titles,
    items.map((item) => columns.map(([, field]) => item[field])),
  );
}

async function show({ thing, client, ids: [id], json }) {
  const item = await callOne({ thing, client }, ["GET", ""], id);
  const { [thing.content]: content, ...others } = item;
  const text = typeof content === "string" ? content : JSON.stringify(content, null, 2);
  print(json ? asJson(item) : `${fields(others)}\n${block(text)}`);
  return 0;
}

async function retry({ thing, client, ids, all, json, query }) {
  if (!all) return each((id) => retryOne({ thing, client }, id), "retried", { ids, json });
  let retried = 0;
  let cursor = null;
  do {
    if (cursor !== null) query.set("cursor", cursor);
    const answer = await client.call("POST", `${thing.path}/retry?${query}`);
    retried += answer.retried;
    cursor = answer.nextCursor;
  } while (cursor !== null);
  print(json ? asJson({ retried }) : `${retried} retried\n`);
  return 0;
}

/** Resolves with why nothing was to be done, else null. */
async function retryOne(command, id) {
  const { done } = command.thing;
  const why = done === undefined ? null : done(await callOne(command, ["GET", ""], id));
  if (why === null) await callOne(command, ["POST", "/retry"], id);
  return why;
}

async function drop({ thing, client, ids, json }) {
  const dropOne = async (id) => {
    await callOne({ thing, client }, thing.drop, id);
    return null;
  };
  return each(dropOne, "dropped", { ids, json });
}

/** One after the other. What cannot be done with one is told, and the others go on. */
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
      tell(error.message.includes(printable(id)) ? error.message : `${id}: ${error.message}`);
    }
  }
  if (json) print(asJson({ [done]: succeeded, unchanged, failed }));
  return failed.length === 0 ? 0 : 1;
}

/** What is no id is never asked for: in a path, "." would be all of them. */
async function callOne({ thing, client }, [method, after], id) {
  const missing = new CliError(thing.missing(printable(id)));
  if (!/^[a-z]+_[0-9a-z_]+$/.test(id)) throw missing;
  return client.call(method, `${thing.path}/${id}${after}`, missing);
}

function asJson(value) {
  return `${JSON.stringify(value, null, 2)}\n`;
}

// The command line of operators. Plain Node, so that it runs in a clone where nothing is installed or built.
import { parseArgs } from "node:util";
import { CliError, createClient } from "./client.mjs";
import { things } from "./resources.mjs";
import { print, tell } from "./text.mjs";
import { verbs } from "./verbs.mjs";

const usage = `Usage: stillup <dead-letters | deliveries> <verb> [options]

  dead-letters      stream messages that no try could handle
  deliveries     alerts to channels; those that failed for the last time are "exhausted"

  list           newest first, 50 unless --all; --stream <name>, or --status <status | any> (exhausted),
                 --channel <id>, --monitor <id>
  show <id>      everything that is known of one
  retry <id>...  a message goes back to its stream; a delivery keeps its id and gets all its tries again
  retry --all    all of them, or those of --stream, --channel, --monitor
  drop <id>...   forgets a message; cancels a delivery

  --json         prints one JSON document
  --url <url>    where the API is: STILLUP_URL, or http://127.0.0.1:3000

The API key is API_KEY, or the one that \`npm start\` keeps in .data. Ends with 0 when done, with 1 when something could not
be done, with 2 when the command line is wrong.
`;

/** Whether a command is one of these, not one of the local runtime. */
export function isOperators(command) {
  return Object.hasOwn(things, command);
}

/** Carries out one command, and resolves with the exit code. See cli.d.mts. */
export async function runCli(options) {
  try {
    return await run(options);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    tell(error.message);
    if (error.exitCode === 2) process.stderr.write("stillup --help shows how it is used.\n");
    return error.exitCode;
  }
}

async function run({ args, variables, keyFile }) {
  if (args.includes("--help")) {
    print(usage);
    return 0;
  }
  if (args.length === 0) {
    process.stderr.write(usage);
    return 2;
  }
  const [name = "", verb = "", ...rest] = args;
  if (!isOperators(name)) throw new CliError(`It is dead-letters or deliveries, not "${name}".`, 2);
  if (!Object.hasOwn(verbs, verb)) throw new CliError(`It is list, show, retry or drop, not "${verb}".`, 2);
  const thing = things[name];
  const { values, ids } = parse(thing, verb, rest);
  const client = await createClient({ url: values.url, variables, keyFile });
  const { all = false, json = false } = values;
  return verbs[verb]({ thing, client, ids, all, json, query: queryOf(thing, values, verb) });
}

/** Each verb takes its own options, and as many ids as it can do with. */
function parse(thing, verb, args) {
  const options = { json: { type: "boolean" }, url: { type: "string" } };
  if (verb === "list" || verb === "retry") options.all = { type: "boolean" };
  for (const name of narrowing(thing, verb)) options[name] = { type: "string" };
  try {
    // Not strict: Node's own messages say more of Node than of this.
    const { tokens, values, positionals: ids } = parseArgs({ args, options, tokens: true, strict: false });
    for (const token of tokens) if (token.kind === "option") checkOption(token, options, verb);
    check(values, ids, { verb, narrowed: narrowing(thing, verb).find((name) => values[name] !== undefined) });
    return { values, ids };
  } catch (error) {
    throw new CliError(error.message, 2);
  }
}

function checkOption({ name, rawName, value, inlineValue }, options, verb) {
  if (!Object.hasOwn(options, name)) throw new Error(`${verb} takes no ${rawName}.`);
  const isFlag = options[name].type === "boolean";
  if (isFlag && value !== undefined) throw new Error(`${rawName} takes no value.`);
  if (!isFlag && (!value || (!inlineValue && value.startsWith("-")))) throw new Error(`${rawName} needs a value.`);
}

function narrowing({ filters, listed }, verb) {
  if (verb === "list") return [...Object.keys(filters), ...Object.keys(listed)];
  return verb === "retry" ? Object.keys(filters) : [];
}

function check({ all }, ids, { verb, narrowed }) {
  if (ids.includes("")) throw new Error("An id is empty.");
  if (verb === "list" && ids.length > 0) throw new Error("list takes no ids; show takes one.");
  if (verb === "list") return;
  if (verb === "show" && ids.length !== 1) throw new Error("show takes one id.");
  if (all && ids.length > 0) throw new Error(`${verb} takes ids or --all, not both.`);
  if (!all && ids.length === 0) throw new Error(verb === "retry" ? "retry takes ids, or --all." : "drop takes ids.");
  if (!all && narrowed !== undefined) throw new Error(`--${narrowed} goes with --all, not with ids.`);
}

function queryOf({ filters, listed }, values, verb) {
  const query = new URLSearchParams();
  for (const [option, field] of Object.entries(filters)) {
    if (values[option] !== undefined) query.set(field, values[option]);
  }
  for (const [field, { values: allowed, fallback }] of verb === "list" ? Object.entries(listed) : []) {
    const value = values[field] ?? fallback;
    if (!allowed.includes(value)) throw new CliError(`--${field} must be one of ${allowed.join(", ")}.`, 2);
    if (value !== "any") query.set(field, value);
  }
  return query;
}

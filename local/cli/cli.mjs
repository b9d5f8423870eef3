// The command line of operators. Plain Node, so that it runs in a clone where nothing is installed or built.
import { parseArgs } from "node:util";
import { CliError, createClient } from "./client.mjs";
import { resources } from "./resources.mjs";
import { print, printError } from "./text.mjs";
import { verbs } from "./verbs.mjs";

/**
 * @import { ParseArgsConfig } from "node:util"
 * @import { Variables } from "../../runtime/config/config.ts"
 * @import { Resource } from "./resources.mjs"
 *
 * @typedef {NonNullable<ParseArgsConfig["options"]>} OptionsConfig
 *
 * @typedef {object} CliOptions
 * @property {readonly string[]} args `dead-letters`, `list` and so on.
 * @property {Variables} variables
 * @property {string} keyFile Where `npm start` keeps its key.
 *
 * @typedef {object} Values What the options say.
 * @property {boolean} all
 * @property {boolean} json
 * @property {Readonly<Record<string, string | undefined>>} texts
 *
 * @typedef {{ name: string, rawName: string, value?: string | undefined, inlineValue?: boolean | undefined }} OptionToken
 */

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

/**
 * Whether a command is one of these, and not one of the local runtime.
 * @param {string} command
 */
export function isOperators(command) {
  return Object.hasOwn(resources, command);
}

/**
 * Runs one command.
 * @param {CliOptions} options
 * @returns {Promise<0 | 1 | 2>} the exit code
 */
export async function runCli(options) {
  try {
    return await run(options);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    printError(error.message);
    if (error.exitCode === 2) process.stderr.write("stillup --help shows how it is used.\n");
    return error.exitCode;
  }
}

/**
 * @param {CliOptions} options
 * @returns {Promise<0 | 1 | 2>}
 */
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
  const resource = Object.hasOwn(resources, name) ? resources[name] : undefined;
  if (resource === undefined) throw new CliError(`It is dead-letters or deliveries, not "${name}".`, 2);
  const act = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
  if (act === undefined) throw new CliError(`It is list, show, retry or drop, not "${verb}".`, 2);
  const { values, ids } = parse(resource, verb, rest);
  const { all, json, texts } = values;
  const client = await createClient({ url: texts["url"], variables, keyFile });
  return act({ resource, client, ids, all, json, query: queryOf(resource, texts, verb) });
}

/**
 * Each verb takes its own options, and as many ids as it can use.
 * @param {Resource} resource
 * @param {string} verb
 * @param {readonly string[]} args
 */
function parse(resource, verb, args) {
  /** @type {OptionsConfig} */
  const options = { json: { type: "boolean" }, url: { type: "string" } };
  if (verb === "list" || verb === "retry") options["all"] = { type: "boolean" };
  for (const name of narrowing(resource, verb)) options[name] = { type: "string" };
  try {
    // Not strict: Node's own messages say more of Node than of this.
    const parsed = parseArgs({ args: [...args], options, allowPositionals: true, tokens: true, strict: false });
    for (const token of parsed.tokens) if (token.kind === "option") checkOption(token, options, verb);
    const values = valuesOf(parsed.values);
    const narrowed = narrowing(resource, verb).find((name) => values.texts[name] !== undefined);
    check(values, parsed.positionals, { verb, narrowed });
    return { values, ids: parsed.positionals };
  } catch (error) {
    throw new CliError(error instanceof Error ? error.message : String(error), 2);
  }
}

/**
 * Flags and texts apart. Checked options have no other values.
 * @param {Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>} values
 * @returns {Values}
 */
function valuesOf({ all, json, ...others }) {
  const texts = Object.entries(others).flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : []));
  return { all: all === true, json: json === true, texts: Object.fromEntries(texts) };
}

/**
 * @param {OptionToken} token
 * @param {OptionsConfig} options
 * @param {string} verb
 */
function checkOption({ name, rawName, value, inlineValue }, options, verb) {
  if (!Object.hasOwn(options, name)) throw new Error(`${verb} takes no ${rawName}.`);
  const isFlag = options[name]?.type === "boolean";
  if (isFlag && value !== undefined) throw new Error(`${rawName} takes no value.`);
  if (!isFlag && (!value || (!inlineValue && value.startsWith("-")))) throw new Error(`${rawName} needs a value.`);
}

/**
 * The options that narrow down what a verb is about.
 * @param {Resource} resource
 * @param {string} verb
 */
function narrowing({ filters, listed }, verb) {
  if (verb === "list") return [...Object.keys(filters), ...Object.keys(listed)];
  return verb === "retry" ? Object.keys(filters) : [];
}

/**
 * @param {Values} values
 * @param {readonly string[]} ids
 * @param {{ verb: string, narrowed: string | undefined }} command
 */
function check({ all }, ids, { verb, narrowed }) {
  if (ids.includes("")) throw new Error("An id is empty.");
  if (verb === "list" && ids.length > 0) throw new Error("list takes no ids; show takes one.");
  if (verb === "list") return;
  if (verb === "show" && ids.length !== 1) throw new Error("show takes one id.");
  if (all && ids.length > 0) throw new Error(`${verb} takes ids or --all, not both.`);
  if (!all && ids.length === 0) throw new Error(verb === "retry" ? "retry takes ids, or --all." : "drop takes ids.");
  if (!all && narrowed !== undefined) throw new Error(`--${narrowed} goes with --all, not with ids.`);
}

/**
 * @param {Resource} resource
 * @param {Values["texts"]} texts
 * @param {string} verb
 */
function queryOf({ filters, listed }, texts, verb) {
  const query = new URLSearchParams();
  for (const [option, field] of Object.entries(filters)) {
    const value = texts[option];
    if (value !== undefined) query.set(field, value);
  }
  for (const [field, { values: allowed, fallback }] of verb === "list" ? Object.entries(listed) : []) {
    const value = texts[field] ?? fallback;
    if (!allowed.includes(value)) throw new CliError(`--${field} must be one of ${allowed.join(", ")}.`, 2);
    if (value !== "any") query.set(field, value);
  }
  return query;
}

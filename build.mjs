// The build's command line. build/ has the rest.
import { readArguments, usage } from "./build/arguments.mjs";
import { buildHost, hostLimits, hostTable, limitLines } from "./build/hosts.mjs";
import { build, sizeTable } from "./build/project.mjs";
import { watchSources } from "./build/watch.mjs";

/** @import { Arguments } from "./build/arguments.mjs" */

await main(parse(process.argv.slice(2)));

/** @param {Arguments} options */
async function main({ watch, host, only }) {
  if (watch) return void watchSources(() => report(buildDist));
  const succeeded = await report(
    host === undefined ? buildDist : () => buildArtefacts({ host, ...(only === undefined ? {} : { only }) }),
  );
  process.exitCode = succeeded ? 0 : 1;
}

async function buildDist() {
  return sizeTable(await build());
}

/** @param {Parameters<typeof buildHost>[0]} options */
async function buildArtefacts(options) {
  const built = await buildHost(options);
  return `${hostTable(built)}\n\n${limitLines(await hostLimits(options.host))}`;
}

/**
 * Prints what a build came to; false when it failed.
 * @param {() => Promise<string>} work
 */
async function report(work) {
  try {
    console.log(await work());
    return true;
  } catch (error) {
    console.error(`The build failed.\n${messageOf(error)}`);
    return false;
  }
}

/** @param {readonly string[]} args */
function parse(args) {
  try {
    return readArguments(args);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n\n${usage}`);
    process.exit(2);
  }
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

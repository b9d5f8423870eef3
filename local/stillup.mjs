#!/usr/bin/env node
// `npx stillup`: looks after a Stillup that runs. It needs nothing installed or built, and changes nothing of either
// under a process that runs from the same clone.
import { join } from "node:path";
import { runCli } from "./cli/cli.mjs";

process.exitCode = await runCli({
  args: process.argv.slice(2),
  variables: process.env,
  keyFile: join(import.meta.dirname, "../.data/api-key"),
});

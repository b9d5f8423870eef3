import type { Redis } from "ioredis";
import { type Billing, callsIn } from "./upstash-billing.ts";

/** A command's answer. Strings are bytes; an error inside a transaction's answer is a value. */
export type CommandAnswer = Buffer | number | null | Error | readonly CommandAnswer[];

/** A command's name and arguments as they are in the client's JSON. */
export type RawCommand = readonly unknown[];

/** Answered with 400: the commands were not carried out. */
export class CommandRefusal extends Error {}

/** Upstash's limit on the entries that one consumer may hold unacked. */
const MAX_PENDING = 1000;
const NOT_OVER_REST = new Set(
  `auth bgrewriteaof blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin client debug discard exec hello
  monitor multi psubscribe psync punsubscribe quit replicaof reset select shutdown ssubscribe subscribe sunsubscribe
  sync unsubscribe unwatch wait waitaof watch`.split(/\s+/),
);

/** Carries out the commands of requests. */
export interface UpstashCommands {
  one(words: RawCommand): Promise<CommandAnswer>;
  /** Runs each by itself, in order. Other requests' commands may run in between. */
  pipeline(list: readonly RawCommand[]): Promise<CommandAnswer[]>;
  /** Runs all or none. @throws CommandRefusal when none runs. */
  transaction(list: readonly RawCommand[]): Promise<readonly CommandAnswer[]>;
}

export function createUpstashCommands(redis: Redis, billing: Billing): UpstashCommands {
  const call = (name: string, ...args: readonly string[]) =>
    redis.callBuffer(name, [...args]) as Promise<CommandAnswer>;

  /** In one transaction, so that no other request's commands run in between. */
  const inTransaction = async (list: readonly (readonly string[])[]): Promise<CommandAnswer> => {
    const calls = [["MULTI"], ...list, ["EXEC"]].map(([name = "", ...args]) => call(name, ...args).catch(asError));
    const answers = await Promise.all(calls);
    const answer = answers.at(-1) ?? null;
    // EXEC reports only that there was an error. The refused command's own error says which.
    if (answer instanceof Error) throw answers.find((each) => each instanceof Error);
    return answer;
  };

  const run = async (words: readonly string[]): Promise<CommandAnswer> => {
    checkAllowed(words);
    await checkPending(words, call);
    if (!isScript(words)) {
      billing.add(nameOf(words));
      return call(...(words as [string, ...string[]]));
    }
    const [before, answer, after] = (await inTransaction([commandStats, words, commandStats])) as [
      Buffer,
      CommandAnswer,
      Buffer,
    ];
    billing.addAll(callsIn(before.toString(), after.toString()));
    if (answer instanceof Error) throw answer;
    return answer;
  };

  return {
    one: (words) => run(textOf(words)),

    async pipeline(list) {
      const answers: CommandAnswer[] = [];
      for (const words of list) answers.push(await run(textOf(words)).catch(asError));
      return answers;
    },

    async transaction(list) {
      const all = list.map(textOf);
      for (const words of all) checkAllowed(words);
      const answer = await inTransaction(all).catch((error: Error) => {
        throw new CommandRefusal(error.message);
      });
      for (const words of all) billing.add(nameOf(words));
      return answer as readonly CommandAnswer[];
    },
  };
}

const commandStats = ["INFO", "commandstats"];

function textOf(words: RawCommand): string[] {
  if (!Array.isArray(words) || words.length === 0) throw new CommandRefusal("ERR empty command");
  return words.map((word) => (typeof word === "string" ? word : JSON.stringify(word)));
}

function nameOf([name = ""]: readonly string[]): string {
  return name.toLowerCase();
}

function isScript(words: readonly string[]): boolean {
  return /^(eval|evalsha|fcall)/.test(nameOf(words));
}

function checkAllowed(words: readonly string[]): void {
  const blocks = /^xread/.test(nameOf(words)) && words.some((word) => word.toUpperCase() === "BLOCK");
  if (blocks || NOT_OVER_REST.has(nameOf(words))) {
    throw new CommandRefusal(
      `ERR Command is not available: '${words[0]}'. See https://upstash.com/docs/redis/features/restapi`,
    );
  }
}

async function checkPending(
  words: readonly string[],
  call: (name: string, ...args: readonly string[]) => Promise<CommandAnswer>,
): Promise<void> {
  if (nameOf(words) !== "xreadgroup") return;
  const at = (option: string) => words.findIndex((word) => word.toUpperCase() === option);
  const [group = "", consumer = ""] = words.slice(at("GROUP") + 1);
  const [key = "", id] = words.slice(at("STREAMS") + 1);
  if (id !== ">") return;
  const requested = at("COUNT") < 0 ? 1 : Number(words[at("COUNT") + 1]);
  const list = await call("XPENDING", key, group, "-", "+", `${MAX_PENDING}`, consumer).catch(() => []);
  const pending = Array.isArray(list) ? list.length : 0;
  if (pending + requested <= MAX_PENDING) return;
  throw new CommandRefusal(
    `ERR XReadGroup is cancelled. Pending Entries List limit per consumer is about to be reached. Limit: ${MAX_PENDING}, ` +
      `Current PEL size: ${pending}, Requested Read: ${requested}, Key: ${key}, Group: ${group}, Consumer: ${consumer}.`,
  );
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

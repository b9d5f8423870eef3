import type { Variables } from "../../runtime/config/config.ts";

export interface CliOptions {
  /** `dead-letters`, `list` and so on. */
  readonly args: readonly string[];
  readonly variables: Variables;
  /** Where `npm start` keeps its key. */
  readonly keyFile: string;
}

export function isOperators(command: string): boolean;
export function runCli(options: CliOptions): Promise<0 | 1 | 2>;

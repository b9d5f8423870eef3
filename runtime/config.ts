import type { NetworkPolicy } from "./http/http.ts";

export type LogLevel = "DEBUG" | "INFO" | "WARN" | "ERROR";

/** What a function may know of the configuration: `env.config`. Connection strings are not among it. */
export interface Config {
  /** The administrator's key, at least 32 characters. */
  readonly apiKey: string;
  readonly networkPolicy: NetworkPolicy;
  /** Where the API is reached from outside, without a trailing slash. */
  readonly publicUrl: string | null;
  readonly logLevel: LogLevel;
  /** Probes at once in one process. */
  readonly workerConcurrency: number;
  /** How long a worker may hold a stream entry before others take it over. */
  readonly workerLeaseSeconds: number;
  /** Days that raw checks are kept. */
  readonly rawCheckDays: number;
}

/** What a process of the local runtime needs beside it. */
export interface ProcessConfig extends Config {
  readonly host: string;
  readonly port: number;
  readonly workerPort: number;
  /** How long a process may take to stop after SIGTERM. */
  readonly drainSeconds: number;
  readonly database: { readonly driver: "tcp"; readonly url: string; readonly directUrl: string };
  readonly stream: { readonly driver: "tcp"; readonly url: string };
}

import type { Http, HttpAnswer, HttpCall, HttpFailure } from "../runtime/drivers/http/http.ts";

export type Script = (call: HttpCall) => HttpAnswer | Promise<HttpAnswer>;

/** An `http` that goes nowhere: it answers as the test says and remembers what was asked. */
export interface ScriptedHttp extends Http {
  /** All calls, oldest first. */
  readonly calls: readonly HttpCall[];
  /** What every URL answers, or this one alone. The newest script that fits a call answers it. */
  on(script: Script): void;
  on(url: string, script: Script): void;
}

export function createScriptedHttp(): ScriptedHttp {
  const calls: HttpCall[] = [];
  const scripts: { readonly url: string | null; readonly script: Script }[] = [];
  return {
    calls,
    on(first: string | Script, second?: Script) {
      if (typeof first !== "string") scripts.unshift({ url: null, script: first });
      else if (second !== undefined) scripts.unshift({ url: first, script: second });
    },
    async call(call) {
      calls.push(call);
      const found = scripts.find(({ url }) => url === null || url === call.url);
      if (found === undefined) throw new Error(`No script for ${call.method} ${call.url}: say http.on(...) first.`);
      return found.script(call);
    },
  };
}

const phases = { dnsMs: 1, connectMs: 1, tlsMs: null, firstByteMs: 1, bodyMs: 1 };
const noPhases = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null, bodyMs: null };

/** A whole answer: `http.on(() => answer(200, "hello"))`. */
export function answer(statusCode: number, body = "", headers: Readonly<Record<string, string>> = {}): HttpAnswer {
  return { ok: true, statusCode, headers, body, truncated: false, totalMs: 4, phases };
}

/** A call that failed: `http.on(() => failure("timeout"))`. */
export function failure(kind: HttpFailure, code = "SCRIPTED"): HttpAnswer {
  const detail = `It was scripted to fail: ${kind}.`;
  return { ok: false, failure: kind, code, detail, statusCode: null, totalMs: 4, phases: noPhases };
}

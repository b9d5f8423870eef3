import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { expect } from "vitest";
import * as z from "zod/mini";
import { Problem } from "../runtime/api/openapi.ts";
import { matchPath, methodsFor, pathOf } from "../runtime/api/path.ts";
import type { Route } from "../runtime/api/route.ts";
import { createRouter } from "../runtime/api/router.ts";
import type { FetchFunction, Ports } from "../runtime/contract.ts";
import type { TestEnv } from "./test-env.ts";

export interface RouteFile {
  readonly name: string;
  readonly route: Route;
  readonly fn: FetchFunction;
  readonly ports: Ports | undefined;
}

const folder = join(import.meta.dirname, "../functions/api");

/** Every route file. */
export const routes: readonly RouteFile[] = await Promise.all(
  readdirSync(folder).map(async (file) => {
    const module: { route: Route; default: FetchFunction; ports?: Ports } = await import(join(folder, file));
    return { name: basename(file, ".ts"), route: module.route, fn: module.default, ports: module.ports };
  }),
);

const router = createRouter(routes);

export interface Answered<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

export interface Api {
  /** What the API answers, which must be as its schema says. */
  send<Body = Json>(method: string, path: string, body?: unknown): Promise<Answered<Body>>;
  sendRequest<Body = Json>(request: Request): Promise<Answered<Body>>;
}

/** An answer's fields; a test says what it expects of them. */
// biome-ignore lint/suspicious/noExplicitAny: the schema has checked it, and naming each type again would say no more.
export type Json = any;

/** All routes behind the router, on the environment's bindings. */
export function api(env: TestEnv): Api {
  const sendRequest = async <Body>(request: Request): Promise<Answered<Body>> => {
    const response = await env.call({ fetch: router }, request);
    expect(response.headers.get("x-request-id")).toBe("test-request");
    expect(response.headers.get("cache-control")).toBe("no-store");
    const body = await checkedBody(request, response);
    return { status: response.status, headers: response.headers, body: body as Body }; // as its schema has it
  };
  return { sendRequest, send: (method, path, body) => sendRequest(env.request(method, path, body)) };
}

async function checkedBody(request: Request, response: Response): Promise<unknown> {
  const text = await response.text();
  const type = response.headers.get("content-type");
  if (text === "") return null;
  const body: unknown = type?.includes("json") ? JSON.parse(text) : text;
  const schema = response.status >= 400 ? Problem : schemaOf(request, response.status);
  if (response.status >= 400) expect(type).toBe("application/problem+json");
  // What is left of it is what the schema knows: nothing else may be in an answer.
  expect(z.parse(schema, body)).toEqual(body);
  return body;
}

function schemaOf(request: Request, status: number): z.core.$ZodType {
  const path = pathOf(request.url);
  const found = routes.find(
    ({ route }) => methodsFor(route.method).includes(request.method) && matchPath(route.path.split("/"), path) !== null,
  );
  const schema = found?.route.responses[status];
  if (schema == null) throw new Error(`${request.method} ${path} answered ${status}, which its route does not know.`);
  return schema;
}

import * as z from "zod/mini";
import { type ErrorCode, errorCodes } from "../errors.ts";
import { described } from "./described.ts";
import { ID } from "./id.mjs";
import { isParameter } from "./path.ts";
import type { Route } from "./route.ts";
import type { Schema } from "./validate.ts";

type Json = { readonly [key: string]: unknown };

interface NamedRoute {
  /** The function's: `create-monitor`. It is the operation's id. */
  readonly name: string;
  readonly route: Route;
}

export const Problem = z
  .object({
    type: described(z.string(), "`urn:stillup:problem:` and the code."),
    title: described(z.string(), "The same for every problem with this code."),
    status: described(z.int().check(z.minimum(400), z.maximum(599)), "The HTTP status."),
    code: described(z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]), "For programs."),
    detail: described(z.string(), "What is wrong, and what to do."),
    requestId: described(z.string(), "Search the log for it."),
    errors: described(
      z.optional(
        z.array(
          z.object({
            field: described(z.string(), "Where it is: `expect.status[0]`, `query.limit`."),
            message: described(z.string(), "What is wrong with it."),
          }),
        ),
      ),
      "Every bad field of the request.",
    ),
  })
  .register(z.globalRegistry, {
    id: "Problem",
    description: "A problem of RFC 9457. `errors` names every bad field of the request.",
    examples: [
      {
        type: "urn:stillup:problem:invalid_request",
        title: errorCodes.invalid_request.title,
        status: 400,
        code: "invalid_request",
        detail: "intervalSeconds must be a whole number from 5 to 86400.",
        requestId: "5f0c2f7e-6a0f-4f4e-8f57-1d1c5a2f8a11",
        errors: [{ field: "intervalSeconds", message: "intervalSeconds must be a whole number from 5 to 86400" }],
      },
    ],
  });

/** What operations refer to; filled while they are made. */
interface Components {
  readonly schemas: Record<string, Json>;
  readonly responses: Record<string, Json>;
}

/** A request that Stillup sends. */
interface Webhook {
  readonly name: string;
  readonly summary: string;
  /** Headers that it always has, name to description. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Schema;
}

/** The OpenAPI 3.1 document of these routes and webhooks, from the schemas that check them. */
export function openApiDocument(routes: readonly NamedRoute[], webhooks: readonly Webhook[] = []): Json {
  const sorted = [...routes].sort((a, b) => (a.route.path < b.route.path ? -1 : 1));
  const components: Components = { schemas: {}, responses: {} };
  const paths: Record<string, Json> = {};
  for (const { name, route } of sorted) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(name, route, components) };
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Stillup",
      version: "1",
      summary: "Uptime monitoring",
      description:
        "Checks targets, decides when they are down, and sends alerts. An operation without a request body refuses a body " +
        "that is neither empty nor `{}`: filters go into the query.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    security: [{ key: [] }],
    tags: [...new Set([...sorted.map(({ route }) => tagOf(route)), ...webhooks.map(() => "webhooks")])].map((name) => ({
      name,
    })),
    paths,
    ...(webhooks.length === 0
      ? {}
      : { webhooks: Object.fromEntries(webhooks.map((each) => webhook(each, components))) }),
    components: {
      ...components,
      parameters: { id: { name: "id", in: "path", required: true, schema: { type: "string", pattern: ID.source } } },
      securitySchemes: { key: { type: "http", scheme: "bearer", description: "The administrator's API key." } },
    },
  };
}

function webhook({ name, summary, headers, body }: Webhook, { schemas }: Components): [string, Json] {
  const operation = {
    operationId: `webhook-${name.replaceAll(".", "-")}`,
    summary,
    tags: ["webhooks"],
    security: [],
    parameters: Object.entries(headers).map(([header, description]) => ({
      name: header,
      in: "header",
      required: true,
      description,
      schema: { type: "string" },
    })),
    requestBody: { required: true, content: { "application/json": { schema: toJson(body, "output", schemas) } } },
    responses: {
      "2XX": { description: "The receiver has it." },
      "410": { description: "The receiver wants nothing any more: the channel is disabled." },
      default: { description: "Stillup tries again later." },
    },
  };
  return [name, { post: operation }];
}

function operation(name: string, route: Route, components: Components): Json {
  const { summary, description, auth } = route;
  const parameters = [...pathParameters(route), ...queryParameters(route)];
  return {
    operationId: name,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [tagOf(route)],
    ...(auth === "none" ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined ? {} : { requestBody: requestBody(route.body, components) }),
    responses: { ...successes(route, components), ...problems(route, components) },
  };
}

function requestBody(body: Schema, { schemas }: Components): Json {
  return { required: true, content: { "application/json": { schema: toJson(documented(body), "input", schemas) } } };
}

/** A body that the handler has to check is described by another schema, which its metadata names as `documentedAs`. */
function documented(body: Schema): Schema {
  const { documentedAs } = (z.globalRegistry.get(body) ?? {}) as { documentedAs?: () => Schema };
  return documentedAs?.() ?? body;
}

function successes(route: Route, { schemas }: Components): Json {
  const type = route.contentType ?? "application/json";
  const entries = Object.entries(route.responses).map(([status, schema]) => {
    const description = { 201: "Created", 202: "Accepted", 204: "Done" }[status] ?? "Success";
    if (schema === null) return [status, { description }];
    return [status, { description, content: { [type]: { schema: toJson(schema, "output", schemas) } } }];
  });
  return Object.fromEntries(entries);
}

/** Every parameter of a path is an id. */
function pathParameters({ path }: Route): Json[] {
  return path
    .split("/")
    .filter(isParameter)
    .map((name) => ({ $ref: `#/components/parameters/${name.slice(1, -1)}` }));
}

function queryParameters({ query }: Route): Json[] {
  if (query === undefined) return [];
  const { properties } = toJson(query, "input", {}) as { properties: Record<string, Json> };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: "query",
    ...(description === undefined ? {} : { description }),
    schema,
  }));
}

function problems(route: Route, { schemas, responses }: Components): Json {
  const codes: ErrorCode[] = [
    "invalid_request",
    ...(route.auth === "key" ? (["unauthorized", "database_unavailable"] as const) : []),
    ...(route.path.includes("{") ? (["not_found"] as const) : []),
    ...(route.body === undefined ? [] : (["body_too_large"] as const)),
    ...(route.errors ?? []),
    "internal",
  ];
  const problem = toJson(Problem, "output", schemas);
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes)
    byStatus.set(errorCodes[code].status, [...(byStatus.get(errorCodes[code].status) ?? []), code]);
  const entries = [...byStatus].map(([status, sameStatus]) => {
    const name = sameStatus.join("_or_");
    responses[name] = {
      description: sameStatus.map((code) => `\`${code}\`: ${errorCodes[code].title}.`).join(" "),
      content: {
        "application/problem+json": { schema: { allOf: [problem, { properties: { code: { enum: sameStatus } } }] } },
      },
    };
    return [status, { $ref: `#/components/responses/${name}` }];
  });
  return Object.fromEntries(entries);
}

/** JSON Schema, which OpenAPI 3.1 takes as it is. Schemas that have a name go to `named` and are referred to. */
function toJson(schema: Schema, io: "input" | "output", named: Record<string, Json>): Json {
  const override = io === "input" ? keepDefaults : forReaders;
  const { $schema: _, $defs, ...json } = z.toJSONSchema(schema, { io, unrepresentable: "any", override });
  for (const [name, definition] of Object.entries($defs ?? {})) named[name] = relocated(definition);
  return relocated(json);
}

interface Made {
  readonly zodSchema: Schema;
  readonly jsonSchema: z.core.JSONSchema.BaseSchema;
}

/** The library leaves them out where a schema transforms: it cannot know that they are of the input. */
function keepDefaults({ zodSchema, jsonSchema }: Made): void {
  const { default: fallback, examples } = z.globalRegistry.get(zodSchema) ?? {};
  if (fallback !== undefined) jsonSchema.default = fallback;
  if (examples !== undefined) jsonSchema.examples = examples as never[];
}

/** A later version may answer with more fields, and that a number is a safe integer helps nobody. */
function forReaders({ jsonSchema }: Made): void {
  delete jsonSchema.additionalProperties;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
}

function relocated(json: object): Json {
  return JSON.parse(JSON.stringify(json).replaceAll('"#/$defs/', '"#/components/schemas/'));
}

/** `/v1/monitors/{id}` belongs to monitors; what has no version in its path is about the service itself. */
function tagOf({ path }: Route): string {
  const [, version, collection] = path.split("/");
  return version === "v1" && collection !== undefined ? collection : "service";
}

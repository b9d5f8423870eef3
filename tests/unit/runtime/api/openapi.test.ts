import { createConfig, lintFromString } from "@redocly/openapi-core";
import { beforeAll, describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { events } from "../../../../domain/channels/events.ts";
import type { Schema } from "../../../../runtime/api/validate.ts";
import { api, type Json, routes } from "../../../../testing/routes.ts";
import { testEnv } from "../../../../testing/test-env.ts";

let document: Json;

beforeAll(async () => {
  const env = await testEnv();
  const { status, headers, body } = await api(env).sendRequest(new Request("http://stillup.test/openapi.json"));
  expect([status, headers.get("content-type")]).toEqual([200, "application/json"]);
  document = body;
});

/** Every rule that a linter of OpenAPI recommends, as an error, and that examples are right. */
async function lint(source: Json): Promise<string[]> {
  const config = await createConfig({
    extends: ["recommended-strict"],
    rules: {
      "no-invalid-schema-examples": "error",
      "no-invalid-parameter-examples": "error",
      "no-invalid-media-type-examples": "error",
      "tag-description": "off", // a tag is a collection's name
      "no-illogical-composition-keywords": "off", // a monitor is one of its kinds, and there may be one kind
    },
  });
  const problems = await lintFromString({ source: JSON.stringify(source), absoluteRef: "openapi.json", config });
  return problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`);
}

function operations(): [string, Json][] {
  return Object.entries<Json>(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Json] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  );
}

describe("the OpenAPI document", () => {
  it("is one of version 3.1 that a linter has nothing against", async () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(await lint(document)).toEqual([]);
  });

  it("is linted by a linter that would say so", async () => {
    const { HttpMonitor } = document.components.schemas;
    const spoilt = structuredClone(document);
    const example = { ...HttpMonitor.examples[0], status: "sad" };
    spoilt.components.schemas.HttpMonitor = { ...HttpMonitor, examples: [example] };
    spoilt.paths["/v1/monitors/{id}"].get.parameters = [];
    expect(await lint(spoilt)).toEqual([
      expect.stringContaining("no-invalid-schema-examples"),
      expect.stringContaining("path-parameters-defined"),
    ]);
  });

  it("describes every route, by the name of its function", () => {
    const described = operations().map(([address, { operationId }]) => [operationId, address]);
    const there = routes.map(({ name, route }) => [name, `${route.method} ${route.path}`]);
    expect(described.sort()).toEqual(there.sort());
  });

  it("has the same pattern for an id in a path as in a response", () => {
    const { pattern } = document.components.schemas.HttpMonitor.properties.id;
    expect(pattern).toMatch(/^\^.+\$$/);
    expect(document.components.parameters.id.schema.pattern).toBe(pattern);
  });

  it("says of each operation what it needs and what can go wrong", () => {
    for (const [address, operation] of operations()) {
      const statuses = Object.keys(operation.responses);
      const { route } = routes.find(({ name }) => name === operation.operationId) ?? {};
      expect(operation.security, address).toEqual(route?.auth === "none" ? [] : undefined);
      expect(statuses.includes("401"), address).toBe(route?.auth === "key");
      expect(statuses.includes("404"), address).toBe(address.includes("{id}"));
      expect(statuses.includes("413"), address).toBe(route?.body !== undefined);
      expect(operation.requestBody !== undefined, address).toBe(route?.body !== undefined);
    }
    expect(Object.keys(document.paths["/v1/monitors/{id}/check"].post.responses)).toContain("409");
    expect(document.components.securitySchemes.key).toMatchObject({ type: "http", scheme: "bearer" });
  });

  it("lists every problem of a status", () => {
    const { 503: unavailable } = document.paths["/v1/dead-letters/{id}/retry"].post.responses;
    const response = document.components.responses[unavailable.$ref.split("/").at(-1)];
    expect(response.description).toContain("`database_unavailable`");
    expect(response.description).toContain("`stream_unavailable`");
    const [, { properties }] = response.content["application/problem+json"].schema.allOf;
    expect(properties.code.enum).toEqual(["database_unavailable", "stream_unavailable"]);
  });

  it("describes every webhook, with its headers and its data", () => {
    expect(Object.keys(document.webhooks).sort()).toEqual(events.map(({ type }) => type).sort());
    const { post } = document.webhooks["monitor.down"];
    expect(post.parameters.map((each: Json) => each.name)).toEqual([
      "webhook-id",
      "webhook-timestamp",
      "webhook-signature",
    ]);
    const { schema } = post.requestBody.content["application/json"];
    expect(schema.properties.type.const).toBe("monitor.down");
    expect(JSON.stringify(schema.properties.data)).toContain("MonitorChange");
  });

  it("describes every field and every filter", () => {
    const missing: string[] = [];
    const walk = (schema: Json, path: string) => {
      for (const [name, field] of Object.entries<Json>(schema.properties ?? {})) {
        if (field.description === undefined && field.$ref === undefined) missing.push(`${path}.${name}`);
        walk(field, `${path}.${name}`);
      }
      for (const part of ["anyOf", "oneOf", "allOf"]) for (const each of schema[part] ?? []) walk(each, path);
      if (typeof schema.items === "object") walk(schema.items, `${path}[]`);
    };
    for (const [name, schema] of Object.entries<Json>(document.components.schemas)) walk(schema, name);
    for (const [address, { parameters = [], responses }] of operations()) {
      for (const { name, description } of parameters) {
        if (name !== undefined && description === undefined) missing.push(`${address} ?${name}`);
      }
      for (const [status, { content = {} }] of Object.entries<Json>(responses)) {
        for (const { schema } of Object.values<Json>(content)) walk(schema, `${address} ${status}`);
      }
    }
    expect(missing).toEqual([]);
  });

  it("says that filters go into the query where there is no body", () => {
    expect(document.info.description).toMatch(/without a request body refuses a body .* filters go into the query/);
  });

  it("names the bounds and defaults of what it takes", () => {
    const { intervalSeconds, name, method, expect: expected } = document.components.schemas.HttpMonitorInput.properties;
    expect(intervalSeconds).toMatchObject({ default: 60, anyOf: [{ minimum: 5, maximum: 86_400 }, { type: "null" }] });
    expect(name).toMatchObject({ minLength: 1, maxLength: 200 });
    expect(method).toMatchObject({ default: "GET" });
    expect(expected).toMatchObject({ default: { status: ["200-299"] } });
    expect(document.components.schemas.HttpMonitorInput).toMatchObject({
      required: ["name", "type", "url"],
      additionalProperties: false,
    });
    const [limit] = document.paths["/v1/monitors"].get.parameters;
    expect(limit).toMatchObject({
      name: "limit",
      in: "query",
      schema: { type: "integer", minimum: 1, maximum: 200, default: 50 },
    });
  });

  it("lets answers have more fields one day", () => {
    expect(document.components.schemas.HttpMonitor.additionalProperties).toBeUndefined();
  });

  it("describes a monitor, a new one and a change as one of each kind", () => {
    for (const name of ["Monitor", "MonitorInput", "MonitorPatch"]) {
      expect(document.components.schemas[name].oneOf).toContainEqual({ $ref: `#/components/schemas/Http${name}` });
    }
    const { HttpMonitorPatch } = document.components.schemas;
    expect(HttpMonitorPatch).toMatchObject({ additionalProperties: false });
    expect(HttpMonitorPatch.required).toBeUndefined();
    expect(Object.keys(HttpMonitorPatch.properties)).toEqual(
      expect.arrayContaining(["name", "type", "url", "expect", "recoveryThreshold"]),
    );
  });

  it("describes every field of a monitor", () => {
    const { HttpMonitor, HttpMonitorInput, HttpMonitorPatch } = document.components.schemas;
    for (const { properties } of [HttpMonitor, HttpMonitorInput, HttpMonitorPatch]) {
      const bare = Object.entries<Json>(properties).filter(([, { description }]) => description === undefined);
      expect(bare.map(([name]) => name)).toEqual([]);
    }
  });

  it("has examples that the very schemas take which check requests and answers", () => {
    const schemas = routes.flatMap(({ route }) => [route.body, ...Object.values(route.responses)]);
    const examples = schemas
      .filter((schema): schema is Schema => schema != null)
      .flatMap((schema) => (schema instanceof z.ZodMiniDiscriminatedUnion ? schema.def.options : [schema]))
      .flatMap((schema) => {
        const { examples } = z.globalRegistry.get(schema) ?? {};
        return Array.isArray(examples) ? examples.map((example) => ({ schema, example })) : [];
      });
    expect(examples.length).toBeGreaterThan(10);
    for (const { schema, example } of examples) expect(z.safeParse(schema, example).error).toBeUndefined();
  });
});

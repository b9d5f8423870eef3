import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { Ajv, type AnySchema } from "@redocly/ajv";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { buildHost } from "../../../build-hosts.mjs";
import { deploymentFiles } from "../../../deploy/generate.mjs";
import type { Manifest } from "../../../runtime/manifest.ts";
import { useDist } from "../../../testing/dist.ts";
import type { Json } from "../../../testing/routes.ts";
import cloudFormationSchemas from "./schemas/cloudformation.json" with { type: "json" };
import samSchema from "./schemas/sam.json" with { type: "json" };
import wranglerSchema from "./schemas/wrangler.json" with { type: "json" };

const ROOT = join(import.meta.dirname, "../../..");
const LAMBDA = "deploy/lambda/template.yaml";
const CLOUDFLARE = "deploy/cloudflare/wrangler.jsonc";
const SECRETS = ["DATABASE_URL", "UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN", "API_KEY"];

const dist = useDist();
const texts = new Map<string, string>();
let manifest: Manifest;
let template: Json;
let wrangler: Json;

beforeAll(async () => {
  manifest = JSON.parse(await readFile(join(dist(), "manifest.json"), "utf8"));
  for (const path of [LAMBDA, CLOUDFLARE]) texts.set(path, await readFile(join(ROOT, path), "utf8"));
  template = parse(text(LAMBDA));
  wrangler = JSON.parse(text(CLOUDFLARE).replace(/^\/\/.*\n/, ""));
});

function text(path: string): string {
  return texts.get(path) ?? "";
}

/** What a schema has against `value`: nothing is an empty list. */
function problems(schema: AnySchema, value: unknown): string[] {
  const validate = new Ajv({ strict: false, validateFormats: false, unicodeRegExp: false, allErrors: true }).compile(
    schema,
  );
  validate(value);
  return (validate.errors ?? []).map(({ instancePath, message, params }) =>
    [instancePath, message, JSON.stringify(params)].join(" "),
  );
}

/** With a value of its kind in place of everything that CloudFormation fills in. */
function filledIn(value: Json): Json {
  if (Array.isArray(value)) return value.map(filledIn);
  if (value === null || typeof value !== "object") return value;
  if ("Ref" in value) return template.Parameters[value.Ref]?.Default ?? value.Ref;
  if ("Fn::GetAtt" in value) return "arn:aws:iam::123456789012:role/name";
  if ("Fn::Sub" in value) return value["Fn::Sub"];
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, filledIn(each)]));
}

function resources(type: string): [string, Json][] {
  return Object.entries<Json>(template.Resources).filter(([, resource]) => resource.Type === type);
}

describe("the deployment templates", () => {
  it("are what node deploy/generate.mjs makes of this build", () => {
    for (const [path, made] of Object.entries(deploymentFiles(manifest)))
      expect(text(path) === made, `${path}: run node deploy/generate.mjs`).toBe(true);
  });

  it("deploy what the build writes", async () => {
    const deployed = [
      ...text(LAMBDA).matchAll(/CodeUri: (.*\/)(.*)(\.zip)/g),
      ...text(CLOUDFLARE).matchAll(/"main": "(.*\/)(.*)(\/index\.mjs)"/g),
    ].map(([, folder, name, end]) => ({ folder, name, end }));
    for (const host of ["lambda", "cloudflare"] as const) {
      const [built] = await buildHost({ host, only: "monitoring", outDir: dist() });
      const path = join("../../dist", relative(dist(), built?.zip ?? built?.file ?? ""));
      const [folder, end] = path.split("monitoring");
      expect(deployed).toContainEqual({ folder, name: "monitoring", end });
    }
    const names = new Set(["api", ...manifest.functions.map(({ name }) => name)]);
    expect(deployed.filter(({ name }) => !names.has(name ?? ""))).toEqual([]);
    expect(new Set(deployed.map(({ folder, end }) => `${folder}${end}`)).size).toBe(2);
  }, 60_000);

  it("hold no secret: no value that looks like one, and none of the variables that are", () => {
    for (const path of [LAMBDA, CLOUDFLARE]) {
      expect(text(path)).not.toMatch(/:\/\/[^\s/]*:[^\s/]*@|neon\.tech|upstash\.io|AKIA[0-9A-Z]{16}|[0-9a-f]{32}/);
    }
    const variables = template.Globals.Function.Environment.Variables;
    for (const name of SECRETS) {
      expect(variables[name]["Fn::Sub"]).toMatch(/^\{\{resolve:secretsmanager:\$\{SecretArn\}:SecretString:[A-Z_]+::/);
    }
    for (const { vars } of [wrangler, ...Object.values<Json>(wrangler.env)]) {
      expect(SECRETS.filter((name) => name in vars)).toEqual([]);
    }
  });
});

describe("the template for AWS Lambda", () => {
  it("passes SAM's schema", () => {
    expect(problems(samSchema, template)).toEqual([]);
  });

  it("passes CloudFormation's schemas, in what is not SAM's", () => {
    const schemas = new Map<string, AnySchema>(Object.entries(cloudFormationSchemas));
    const others = Object.entries<Json>(template.Resources).filter(
      ([, { Type }]) => !Type.startsWith("AWS::Serverless"),
    );
    const found = others.flatMap(([name, { Type, Properties }]) =>
      problems(schemas.get(Type) ?? false, filledIn(Properties ?? {})).map((problem) => `${name}${problem}`),
    );
    expect(found).toEqual([]);
    expect(others.length).toBeGreaterThan(8);
  });

  it("gives functions only what Lambda knows", () => {
    const { properties, definitions } = cloudFormationSchemas["AWS::Lambda::Function"];
    const shared = filledIn(template.Globals.Function);
    expect(problems({ type: "object", properties, definitions, additionalProperties: false }, shared)).toEqual([]);
  });

  it("names nothing that it does not have", () => {
    const known = [...Object.keys(template.Parameters), ...Object.keys(template.Resources)];
    const named = [...text(LAMBDA).matchAll(/Ref: "?(\w+)|GetAtt:\s+- (\w+)|\$\{(\w+)\}/g)].map(
      ([, ref, attribute, substitute]) => ref ?? attribute ?? substitute,
    );
    expect(known).toEqual(expect.arrayContaining([...new Set(named)]));
    expect(named.length).toBeGreaterThan(100);
  });

  it("has a function for every route, one for all others, and one a minute for every worker", () => {
    const functions = resources("AWS::Serverless::Function").map(([, { Properties }]) => Properties);
    const events = functions.flatMap(({ CodeUri, Events }) =>
      Object.values<Json>(Events).map(({ Type, Properties: { Method, Path, Schedule } }) =>
        [/([\w-]+)\.zip$/.exec(CodeUri)?.[1], Type, Method, Path ?? Schedule].filter(Boolean).join(" "),
      ),
    );
    const expected = manifest.functions.flatMap((each) => {
      if (each.kind === "api") return [`${each.name} HttpApi ${each.route.method} ${each.route.path}`];
      return each.kind === "workers" ? [`${each.name} Schedule rate(1 minute)`] : [];
    });
    expect(events.sort()).toEqual([...expected, "api HttpApi"].sort());
  });

  it("allows functions nothing but to write their log", () => {
    const roles = resources("AWS::IAM::Role");
    const statements = roles.flatMap(([, { Properties }]) =>
      Properties.Policies.flatMap(({ PolicyDocument }: Json) => PolicyDocument.Statement),
    );
    expect(statements).toEqual([
      {
        Effect: "Allow",
        Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
        Resource: { "Fn::GetAtt": ["Logs", "Arn"] },
      },
    ]);
    for (const [, { Properties }] of resources("AWS::Serverless::Function")) {
      expect(Properties.Role).toEqual({ "Fn::GetAtt": ["FunctionRole", "Arn"] });
    }
  });

  it("watches every worker: that it does not fail, and that it is called", () => {
    const watched = resources("AWS::CloudWatch::Alarm")
      .filter(([, { Properties }]) => Properties.Namespace === "AWS/Lambda")
      .map(([, { Properties }]) => [Properties.Dimensions[0].Value.Ref, Properties.MetricName].join(" "));
    const workers = resources("AWS::Serverless::Function")
      .filter(([, { Properties }]) => Object.values<Json>(Properties.Events)[0].Type === "Schedule")
      .map(([name]) => name);
    expect(watched.sort()).toEqual(workers.flatMap((name) => [`${name} Errors`, `${name} Invocations`]).sort());
  });
});

describe("the configuration for Cloudflare", () => {
  it("passes Wrangler's schema", () => {
    expect(problems(wranglerSchema, wrangler)).toEqual([]);
  });

  it("has the API, and every worker each minute, from what the build writes", () => {
    const workers = manifest.functions.filter(({ kind }) => kind === "workers").map(({ name }) => name);
    const environments = Object.values<Json>(wrangler.env).map(({ main, triggers }) => [main, triggers.crons]);
    expect(wrangler.main).toBe("../../dist/hosts/cloudflare/api/index.mjs");
    expect(environments).toEqual(
      workers.map((name) => [`../../dist/hosts/cloudflare/${name}/index.mjs`, ["* * * * *"]]),
    );
  });
});

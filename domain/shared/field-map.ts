import * as z from "zod/mini";
import { described } from "../../runtime/api/described.ts";
import { change, withDefault } from "./fields.ts";

type FieldSchema = z.ZodMiniType;

/** One field of a resource, by each of its views. */
export interface Field<Input extends FieldSchema = FieldSchema, Shown extends FieldSchema = FieldSchema> {
  /** In a new resource. */
  readonly input: Input;
  /** In a change of one. */
  readonly patch: FieldSchema;
  /** In an answer, and as it is stored: without the rules, which may have been others when it was stored. */
  readonly shown: Shown;
  /** What it is when it is left out; undefined: it must be there. */
  readonly fallback?: unknown;
}

/** The fields of a resource, each in one place: the schemas and statements of the resource are made from the map. */
export type FieldMap = Readonly<Record<string, Field>>;

/** What `part` of each field makes of a resource. */
export type ValuesOf<F extends FieldMap, Part extends "input" | "shown"> = {
  [Name in keyof F]: z.output<F[Name][Part]>;
};

interface FieldText<Shown extends FieldSchema> {
  /** One sentence, for OpenAPI. */
  readonly description: string;
  /** Its schema in an answer, where that is another than in the input. */
  readonly shown?: Shown;
}

/** A field that every resource of its type gives. */
export function required<S extends FieldSchema, Shown extends FieldSchema = S>(
  schema: S,
  { description, shown }: FieldText<Shown>,
): Field<S, Shown> & { readonly patch: z.ZodMiniOptional<S> } {
  return {
    input: described(schema, description),
    patch: described(z.optional(schema), description),
    shown: described(shown ?? (schema as FieldSchema as Shown), description), // left out, Shown is S
  };
}

/** A field that may be left out, or null: then it is `fallback`. */
export function optional<
  S extends FieldSchema,
  D extends z.output<S> | null,
  Shown extends FieldSchema = FieldSchema & (null extends D ? z.ZodMiniNullable<S> : S),
>(schema: S, fallback: D, { description, shown }: FieldText<Shown>) {
  const own = fallback === null ? z.nullable(schema) : schema;
  return {
    input: described(withDefault(schema, fallback), description),
    patch: described(change(schema), description),
    shown: described(shown ?? (own as FieldSchema as Shown), description), // left out, Shown is the type of `own`
    fallback,
  };
}

/** One view of every field: the shape of an object's schema. */
export function viewOf<F extends FieldMap, Part extends "input" | "patch" | "shown">(fields: F, part: Part) {
  return mapFields(fields, (field) => field[part]) as { [Name in keyof F]: F[Name][Part] };
}

/** What the fields that may be left out are then. */
export function defaultsOf(fields: FieldMap): Readonly<Record<string, unknown>> {
  const optionals = Object.entries(fields).filter(([, { fallback }]) => fallback !== undefined);
  return Object.fromEntries(optionals.map(([name, { fallback }]) => [name, fallback]));
}

/** Those of the values that are of the fields, by the fields' names. */
export function pickFields<F extends FieldMap>(fields: F, values: Readonly<Record<string, unknown>>) {
  return mapFields(fields, (_, name) => values[name]);
}

function mapFields<T>(fields: FieldMap, map: (field: Field, name: string) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, map(field, name)]));
}

import * as z from "zod/mini";

/** The same schema with a description for OpenAPI. What is registered for `schema`, such as its format, stays. */
export function described<S extends z.ZodMiniType>(schema: S, description: string): S {
  const copy = schema.check() as S; // without a check it is a clone, whose parent is `schema`
  z.globalRegistry.add(copy as z.ZodMiniType, { description });
  return copy;
}

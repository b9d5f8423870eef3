import * as z from "zod/mini";

/** An entry of a registry whose resources are a union by `type`. */
interface Registered {
  readonly type: string;
  readonly description: string;
}

/** A union by `type`, of the schemas that `make` makes of the entries. */
export function unionByType<T extends Registered, S extends z.core.$ZodTypeDiscriminable>(
  entries: readonly T[],
  make: (entry: T) => S,
) {
  const [first, ...others] = entries.map(make);
  if (first === undefined) throw new Error("A registry is empty: its schemas.ts names nothing.");
  const types = entries.map(({ type }) => `"${type}"`).join(" or ");
  return z.discriminatedUnion("type", [first, ...others], {
    error: ({ code }) => (code === "invalid_union" ? `must be ${types}` : undefined),
  });
}

/** Names a schema after its entry: `GoogleChatChannelInput` for `google-chat` and `ChannelInput`. */
export function nameByType<S extends z.ZodMiniType>(
  schema: S,
  { type, description }: Registered,
  { suffix, example }: { suffix: string; example: object },
): S {
  const id = type.replace(/(?:^|-)(.)/g, (_, letter: string) => letter.toUpperCase()) + suffix;
  // Widened: the registry's types want to know S.
  z.globalRegistry.add(schema as z.ZodMiniType, { id, description, examples: [example] });
  return schema;
}

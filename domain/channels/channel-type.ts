import type { FieldMap, ValuesOf } from "../shared/field-map.ts";
import type { SecretPaths } from "../shared/secrets.ts";

/** A channel type as routes know it: `types/<type>/schema.ts` declares it, `sender.ts` beside that sends. */
export interface ChannelType<F extends FieldMap = FieldMap> {
  /** Its name in the API and the database, such as `google-chat`. It never changes. */
  readonly type: string;
  /** For people: a name, the name of an icon among Lucide's (https://lucide.dev/icons), and one line on what it does. */
  readonly label: string;
  readonly icon: string;
  readonly description: string;
  /** The fields of a channel's `config`. What Stillup makes itself, such as a key, the field's schema fills in. */
  readonly config: F;
  /** A config for the API's documents; fields with a default may be left out. */
  readonly example: Partial<ValuesOf<F, "input">>;
  readonly secrets: SecretPaths;
}

/** A channel type, with the types of its fields inferred. */
export function defineChannelType<F extends FieldMap>(channelType: ChannelType<F>): ChannelType<F> {
  return channelType;
}

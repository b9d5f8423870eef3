import type * as z from "zod/mini";
import type { SecretPaths } from "../shared/secrets.ts";

/** A channel type as `types/<type>/schema.ts` declares it. Routes bundle this, so it imports no library but zod. */
export interface ChannelType {
  /** The word for it in the API and the database, such as `google-chat`. It never changes. */
  readonly type: string;
  /** Its name as people write it. */
  readonly label: string;
  /** The name of its icon among Lucide's: https://lucide.dev/icons. */
  readonly icon: string;
  /** One line: what it does, for whoever chooses a channel. */
  readonly description: string;
  /** Its settings, with descriptions. What Stillup makes itself, such as a key, this fills in. */
  readonly config: z.ZodMiniObject;
  readonly secrets: SecretPaths;
  /** Settings for the API's documents. */
  readonly example: Readonly<Record<string, unknown>>;
}

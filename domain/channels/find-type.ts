import type { ChannelType } from "./channel-type.ts";
import * as registry from "./schemas.ts";

/** Every channel type. */
export const channelTypes: readonly ChannelType[] = Object.values(registry);

/** Undefined for a type that a newer release has added. */
export function findChannelType(type: string): ChannelType | undefined {
  return channelTypes.find((each) => each.type === type);
}

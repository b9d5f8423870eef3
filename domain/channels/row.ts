import { maskSecrets } from "../shared/secrets.ts";
import { findChannelType } from "./find-type.ts";
import type { Channel } from "./schema.ts";

/** What is read of a row of `channels`. */
export interface ChannelRow {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly is_default: boolean;
  readonly system_alerts: boolean;
  readonly config: Readonly<Record<string, unknown>>;
  readonly disabled: boolean;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** A channel as it is shown. Of a type that this release does not know nobody can say what is secret: it shows no settings. */
export function toChannel(row: ChannelRow): Channel {
  const channelType = findChannelType(row.type);
  return {
    id: row.id,
    name: row.name,
    type: row.type,
    default: row.is_default,
    systemAlerts: row.system_alerts,
    config: channelType === undefined ? {} : maskSecrets(row.config, channelType.secrets),
    disabled: row.disabled,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

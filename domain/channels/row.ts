import type { Channel } from "./schema.ts";

/** What is read of a row of `channels`. */
export interface ChannelRow {
  readonly id: string;
  readonly name: string;
  readonly is_default: boolean;
  readonly system_alerts: boolean;
  readonly config: { readonly url: string; readonly secret: string };
  readonly disabled: boolean;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export function toChannel(row: ChannelRow): Channel {
  return {
    id: row.id,
    name: row.name,
    type: "webhook",
    default: row.is_default,
    systemAlerts: row.system_alerts,
    config: { url: row.config.url },
    disabled: row.disabled,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

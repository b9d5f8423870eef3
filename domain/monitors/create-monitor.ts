import { refuseUnknownChannels } from "../channels/refuse-unknown-channels.ts";
import { orNotFound } from "../shared/or-not-found.ts";
import { keepSecrets } from "../shared/secrets.ts";
import { template } from "../shared/template.ts";
import { inputColumns, toColumns } from "./columns.ts";
import { kindOf } from "./kind-of.ts";
import { type MonitorEnv, refuseUnsupported } from "./refuse-unsupported.ts";
import { type MonitorRow, toMonitor } from "./row.ts";
import type { Monitor, MonitorInput } from "./schema.ts";

const INSERT = template(
  `with created as (
      insert into monitors (type, ${inputColumns})
      select type, ${inputColumns} from jsonb_populate_record(null::monitors, `,
  `::text::jsonb)
      returning *
    )
    select *, wake_schedule('enqueue-checks') from created`,
);

/**
 * Adds a monitor. It is due at once. Throws StillupError `invalid_request` for a monitor that this host cannot check, for
 * a masked secret, and for channels that are not there.
 */
export async function createMonitor({ sql, config }: MonitorEnv, input: MonitorInput): Promise<Monitor> {
  const kind = kindOf({ type: input.type, form: 0 });
  keepSecrets(input, {}, { secrets: kind.secrets });
  refuseUnsupported(config, kind, input);
  await refuseUnknownChannels(sql, input.channelIds);
  const [row] = await sql<MonitorRow>(INSERT, toColumns(kind, input));
  return toMonitor(orNotFound(row, "monitor"));
}

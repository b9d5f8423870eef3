import { nowMs } from "../../testing/monotonic.ts";
import type { Engine } from "./engine.ts";
import type { Change, Stored } from "./judge.ts";

export interface Pending {
  readonly events: number;
  readonly deliveries: number;
}

/** What the Postgres of a stack holds, read beside Stillup. */
export interface Truth {
  pending(): Promise<Pending>;
  stored(): Promise<Stored>;
  version(): Promise<string>;
}

/** What Postgres answers: it tells how long ago, because its clock is not the one that turns are timed by. */
interface Aged extends Omit<Stored, "changes"> {
  readonly changes: readonly (Omit<Change, "atMs"> & { readonly ageMs: number })[];
}

export function createTruth(engine: Pick<Engine, "running" | "exec">, service: string): Truth {
  const ask = async <T>(query: string): Promise<T> => {
    const [container = ""] = await engine.running(service);
    const login = ["--username", "stillup", "--dbname", "stillup"];
    const answer = await engine.exec(container, "psql", ...login, "--tuples-only", "--no-align", "--command", query);
    return JSON.parse(answer) as T; // the caller's word for what the query makes
  };
  return {
    pending: () =>
      ask(`select json_build_object(
        'events', (select count(*) from monitors where pending_events <> '[]'),
        'deliveries', (select count(*) from deliveries where status = 'pending'))`),
    async stored() {
      const { changes, ...rest } = await ask<Aged>(`select json_build_object(
        'changes', (select coalesce(json_agg(json_build_object(
          'monitorId', monitor_id, 'version', version, 'status', status,
          'ageMs', extract(epoch from app_now() - decided_at) * 1000) order by monitor_id, version), '[]')
          from status_changes c
          where exists (select from status_changes e
            where e.monitor_id = c.monitor_id and e.version < c.version and e.status = 'up')),
        'deliveries', (select coalesce(json_agg(json_build_object(
          'id', id, 'eventId', event_id, 'status', status)), '[]') from deliveries),
        'incidents', (select coalesce(json_agg(json_build_object(
          'monitorId', monitor_id, 'resolution', resolution)), '[]') from incidents),
        'connectivity', (select coalesce(json_agg(type order by event_number), '[]') from deliveries where monitor_id = 'system'),
        'connectivityChanges', (select event_count from connectivity),
        'unknownChecks', (select count(*) from checks where outcome = 'unknown'),
        'deadLetters', (select count(*) from dead_letters))`);
      const askedMs = nowMs(); // after the answer, so that nothing seems earlier than it was
      return { changes: changes.map(({ ageMs, ...change }) => ({ ...change, atMs: askedMs - ageMs })), ...rest };
    },
    version: () => ask("select to_json(current_setting('server_version'))"),
  };
}

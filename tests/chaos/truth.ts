import type { Engine } from "./engine.ts";
import type { Stored } from "./judge.ts";

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

export function createTruth(engine: Engine, service: string): Truth {
  const ask = async <T>(query: string): Promise<T> => {
    const [container = ""] = await engine.running(service);
    const login = ["--username", "stillup", "--dbname", "stillup"];
    const answer = await engine.exec(container, "psql", ...login, "--tuples-only", "--no-align", "--command", query);
    return JSON.parse(answer) as T; // the caller's word for what the query makes
  };
  return {
    pending: () =>
      ask(`select json_build_object(
        'events', (select count(*) from monitors where unhandled <> '[]'),
        'deliveries', (select count(*) from deliveries where status = 'pending'))`),
    stored: () =>
      ask(`select json_build_object(
        'changes', (select coalesce(json_agg(json_build_object(
          'monitorId', monitor_id, 'version', version, 'status', status) order by monitor_id, version), '[]')
          from status_changes c
          where exists (select from status_changes e
            where e.monitor_id = c.monitor_id and e.version < c.version and e.status = 'up')),
        'deliveries', (select coalesce(json_agg(json_build_object(
          'id', id, 'eventId', event_id, 'status', status)), '[]') from deliveries),
        'incidents', (select coalesce(json_agg(json_build_object(
          'monitorId', monitor_id, 'resolution', resolution)), '[]') from incidents),
        'sight', (select coalesce(json_agg(type order by version), '[]') from deliveries where monitor_id = 'system'),
        'setApart', (select count(*) from set_apart))`),
    version: () => ask("select to_json(current_setting('server_version'))"),
  };
}

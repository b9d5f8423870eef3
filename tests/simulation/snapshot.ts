import { createHash } from "node:crypto";
import { access, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";

/**
 * The path of a migrated database for simulations; made when there is none of these migrations yet (3 s). `edit` may
 * change a migration's text.
 */
export async function databaseSnapshot(
  root: string,
  edit: (path: string, text: string) => string = (_, text) => text,
): Promise<string> {
  const folder = join(root, "migrations");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  const texts = await Promise.all(
    names.map(async (name) => edit(`migrations/${name}`, await readFile(join(folder, name), "utf8"))),
  );
  const hash = createHash("sha256")
    .update(JSON.stringify([texts, JOURNAL]))
    .digest("hex")
    .slice(0, 16);
  const cache = join(root, "node_modules/.cache/stillup/simulation");
  const path = join(cache, `database-${hash}.tar`);
  if (await isThere(path)) return path;
  await mkdir(cache, { recursive: true });
  const old = (await readdir(cache)).filter((name) => name.endsWith(".tar"));
  for (const name of old) await rm(join(cache, name), { force: true });
  const db = await PGlite.create({});
  for (const text of texts) await db.exec(text);
  await db.exec(JOURNAL);
  const tar = Buffer.from(await (await db.dumpDataDir("none")).arrayBuffer());
  await db.close();
  const unfinished = `${path}.${process.pid}`;
  await writeFile(unfinished, tar);
  await rename(unfinished, path); // other processes may be at it, too
  return path;
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/**
 * What the simulation adds: its clock, ids that are the same in every run, and a journal that notes in the order of
 * their happening which results were stored and what people changed. Of what Stillup decided it notes only when it lost
 * connectivity and saw again, when it handled a change, and that a channel was disabled.
 */
const JOURNAL = `
  create schema simulation;
  create or replace function app_now() returns timestamptz language sql stable
  return current_setting('simulation.now')::timestamptz;

  create sequence simulation.ids;
  create or replace function new_id(prefix text) returns text language sql volatile
  return prefix || '_' || substr(md5(nextval('simulation.ids')::text), 1, 20);

  do $$ declare part text; begin -- simulated days need none, and emptying them takes time
    for part in select inhrelid::regclass::text from pg_inherits where inhparent = 'checks'::regclass loop
      if part <> 'checks_default' then execute format('drop table %s', part); end if;
    end loop;
  end $$;

  create table simulation.rows (name text, row jsonb);
  do $$ declare name text; begin
    for name in
      select c.oid::regclass::text from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    loop
      execute format('insert into simulation.rows select %L, to_jsonb(t) from %s t union all select %1$L, null', name, name);
    end loop;
  end $$;

  create table simulation.journal (
    n bigserial primary key, kind text not null, id text not null, at timestamptz not null, what jsonb not null
  );

  create function simulation.note_check() returns trigger language plpgsql as $$ begin
    insert into simulation.journal (kind, id, at, what) values ('check', new.monitor_id, app_now(), jsonb_build_object(
      'probe', new.dns_ms, 'outcome', new.outcome, 'at', iso(new.at)
    ));
    return null;
  end $$;
  create trigger noted after insert on checks for each row execute function simulation.note_check();

  create function simulation.note_monitor() returns trigger language plpgsql as $$ begin
    insert into simulation.journal (kind, id, at, what) values ('monitor', new.id, app_now(), jsonb_build_object(
      'url', new.target, 'paused', new.status = 'paused', 'deleted', new.deleted_at is not null,
      'failures', new.failure_threshold, 'recoveries', new.recovery_threshold, 'channelIds', new.channel_ids
    ));
    return null;
  end $$;
  create trigger noted_new after insert on monitors for each row execute function simulation.note_monitor();
  create trigger noted after update on monitors for each row when (
    (old.target, old.deleted_at, old.failure_threshold, old.recovery_threshold, old.channel_ids) is distinct from
    (new.target, new.deleted_at, new.failure_threshold, new.recovery_threshold, new.channel_ids)
    or (old.status = 'paused') <> (new.status = 'paused')
  ) execute function simulation.note_monitor();

  create function simulation.note_handled() returns trigger language plpgsql as $$ begin
    insert into simulation.journal (kind, id, at, what) values ('handled', new.id, app_now(), jsonb_build_object(
      'numbers', (select jsonb_agg(e->'number') from jsonb_array_elements(old.pending_events) e where not new.pending_events @> jsonb_build_array(e))
    ));
    return null;
  end $$;
  create trigger noted_handled after update on monitors for each row when (
    jsonb_array_length(new.pending_events) < jsonb_array_length(old.pending_events)
    and (new.status <> 'paused' or old.status = 'paused') -- not what a pause drops
  ) execute function simulation.note_handled();

  create function simulation.note_channel() returns trigger language plpgsql as $$ begin
    insert into simulation.journal (kind, id, at, what) values ('channel', new.id, app_now(), jsonb_build_object(
      'open', new.deleted_at is null and not new.disabled, 'default', new.is_default, 'systemAlerts', new.system_alerts, 'url', new.config->>'url'
    ));
    return null;
  end $$;
  create trigger noted after insert or update on channels for each row execute function simulation.note_channel();

  create function simulation.note_resolved() returns trigger language plpgsql as $$ begin
    insert into simulation.journal (kind, id, at, what) values ('resolved', new.id, app_now(), '{}');
    return null;
  end $$;
  create trigger noted after update on incidents for each row when (
    new.resolution = 'manual' and old.resolution is null
  ) execute function simulation.note_resolved();

  create function simulation.note_connectivity() returns trigger language plpgsql as $$ begin
    insert into simulation.journal (kind, id, at, what) values ('connectivity', 'system', app_now(), jsonb_build_object(
      'number', new.event_count, 'offlineSince', iso(new.offline_since)
    ));
    return null;
  end $$;
  create trigger noted after update on connectivity for each row when (old.event_count <> new.event_count)
  execute function simulation.note_connectivity();

  create function simulation.empty(seed int) returns void language plpgsql as $$ declare name text; begin
    execute (
      select 'truncate simulation.journal, ' || string_agg(distinct r.name, ', ') || ' restart identity'
      from simulation.rows r
    );
    for name in select distinct r.name from simulation.rows r where r.row is not null loop
      execute format(
        'insert into %1$s select p.* from simulation.rows r, jsonb_populate_record(null::%1$s, r.row) p
        where r.name = %1$L and r.row is not null', name
      );
    end loop;
    perform setval('simulation.ids', 1 + abs(seed::bigint) * 1000);
    perform setseed((seed % 1000) / 1000.0);
  end $$;
`;

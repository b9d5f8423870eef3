-- The clock of every statement; tests replace it. It must be STABLE: a volatile clock made every query for what is due
-- a sequential scan. statement_timestamp() and not now(): now() stands still while a transaction waits for a lock.
create function app_now() returns timestamptz language sql stable parallel safe
return statement_timestamp();

-- A random id. Receivers drop ids that they have seen, so a new database must not use the ids of an old one again.
create function new_id(prefix text) returns text language sql volatile
return prefix || '_' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 20);

-- A time as the API shows it: ISO 8601 in UTC with milliseconds. For times inside jsonb.
create function iso(at timestamptz) returns text language sql stable parallel safe
return to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

-- The first slot after a time. The slots of a monitor lie on a grid of its interval, shifted by the monitor's phase, so
-- that monitors that were created together drift apart.
create function next_slot(phase float8, interval_seconds int, after timestamptz) returns timestamptz
language sql stable parallel safe
return to_timestamp(
  (floor(extract(epoch from after)::float8 / interval_seconds - phase) + 1 + phase) * interval_seconds
);

-- One row per schedule. claim_schedule inserts a row for a name that it does not know.
create table schedules (
  name text primary key, -- the name of its file in functions/schedules
  next_run_at timestamptz not null default '-infinity', -- from then on a process may claim the next run
  last_run_at timestamptz, -- when a process last claimed a run
  busy_at timestamptz -- when there was something to do, last
);

-- Who is notified.
create table channels (
  id text primary key default new_id('ch'),
  name text not null,
  type text not null,
  is_default boolean not null, -- gets the events of every monitor that names no channels
  system_alerts boolean not null default false, -- gets the events of Stillup itself, such as system.offline
  config jsonb not null, -- the fields of its type; empty once it is deleted
  disabled boolean not null default false,
  created_at timestamptz not null default app_now(),
  updated_at timestamptz not null default app_now(),
  deleted_at timestamptz
);
create index channels_newest on channels (created_at desc, id desc) where deleted_at is null;

-- What is checked, when, and what was decided about it. A decision locks this row and needs no other: a statement that
-- waited for the lock sees this row as it is now, but all other rows as they were when it began.
create table monitors (
  id text primary key default new_id('mon'),
  name text not null,
  type text not null, -- its kind
  target text not null, -- what is monitored, as people recognise it
  form int not null, -- which version of its kind's fields `config` holds
  config jsonb not null, -- its kind's fields
  interval_seconds int not null,
  timeout_ms int, -- its own; null: it follows the interval
  check_timeout_ms int not null generated always as (coalesce(timeout_ms, least(10000, interval_seconds * 800))) stored,
  failure_threshold int not null,
  recovery_threshold int not null,
  channel_ids text[], -- null: every default channel
  tags text[] not null default '{}',
  created_at timestamptz not null default app_now(),
  updated_at timestamptz not null default app_now(),
  deleted_at timestamptz,

  -- when it is checked
  revision int not null default 1, -- raised when what is checked changes; results of another revision are dropped
  phase float8 not null default random(), -- see next_slot
  next_check_at timestamptz not null default app_now(), -- when a slot is due, or when its lease ends
  seq bigint not null default 0, -- the slot that was given out last
  last_seq bigint not null default 0, -- the newest slot with a result
  waiting_since timestamptz, -- when the oldest slot since the last result became due; null: none was given out
  last_check_at timestamptz,

  -- what was decided
  status text not null default 'pending' check (status in ('pending', 'up', 'down', 'paused', 'unknown')),
  status_since timestamptz not null default app_now(),
  version int not null default 0, -- counts the status changes
  streak int not null default 0, -- how many checks in a row succeeded, or failed
  streak_ok boolean not null default true, -- whether they succeeded
  streak_since timestamptz, -- when the first of them was made
  streak_check jsonb, -- the first of them, when they failed

  -- events: what people are notified of
  event_count int not null default 0, -- counts the events; the number of the last one
  reported_down boolean not null default false, -- whether the last event was a down
  pending_events jsonb not null default '[]', -- not handled yet, oldest first: [{number, type, at, first, check}]
  incident jsonb, -- the incident of the last down that was handled, until the monitor is up or stopped

  rolled_up_to timestamptz not null default date_trunc('hour', app_now(), 'UTC') -- end of the last hour in rollups_hour
) with (fillfactor = 50);
create index monitors_newest on monitors (created_at desc, id desc) where deleted_at is null;
create index monitors_due on monitors (next_check_at) where deleted_at is null and status <> 'paused';
create index monitors_pending_events on monitors (id) where pending_events <> '[]';
create index monitors_tags on monitors using gin (tags) where deleted_at is null;

-- The statuses of a monitor over time.
create table status_changes (
  monitor_id text not null,
  version int not null, -- the monitor's `version` after the change
  status text not null,
  at timestamptz not null, -- when the status began: an outage begins with its first failed check
  decided_at timestamptz not null default app_now(), -- when the change was decided
  primary key (monitor_id, version)
);

-- Every single check, in one partition per day (UTC).
create table checks (
  monitor_id text not null,
  at timestamptz not null, -- when it began
  outcome text not null,
  status_code int,
  total_ms real not null, -- the phases below are null when the check did not reach them
  dns_ms real,
  connect_ms real,
  tls_ms real,
  first_byte_ms real,
  body_ms real,
  detail text -- one sentence: what was seen, what was expected
) partition by range (at);
create index checks_of_monitor on checks (monitor_id, at desc);
create table checks_default partition of checks default;

-- Outages that were confirmed. What decisions need of the open one is on the monitor's row.
create table incidents (
  id text primary key, -- inc_, the monitor, the number of its event
  monitor_id text not null,
  started_at timestamptz not null, -- the first failed check
  confirmed_at timestamptz not null, -- the failed check that reached the threshold
  acknowledged_at timestamptz,
  resolved_at timestamptz,
  resolution text check (resolution in ('recovered', 'manual', 'paused', 'deleted')),
  cause jsonb not null, -- what the first failed check found: {outcome, statusCode, detail}
  check ((resolved_at is null) = (resolution is null))
);
create index incidents_newest on incidents (confirmed_at desc, id desc);
create index incidents_of_monitor on incidents (monitor_id, confirmed_at desc, id desc);
create index incidents_open on incidents (confirmed_at desc, id desc) where resolved_at is null;

-- One event for one channel.
create table deliveries (
  id text primary key, -- dlv_, the monitor, the number of the event, the channel; sent as the webhook-id
  event_id text not null, -- evt_, the monitor, the number of the event
  channel_id text not null,
  monitor_id text not null, -- `system` for an event of Stillup itself
  event_number int not null, -- a channel gets the events of a monitor in this order
  type text not null,
  data jsonb not null,
  occurred_at timestamptz not null, -- when the event happened: the end of the check that decided it
  status text not null default 'pending' check (status in ('pending', 'delivered', 'exhausted', 'cancelled')),
  attempts int not null default 0, -- counts the leases; a result of an attempt that is not the last is dropped
  failures int not null default 0, -- attempts that failed since it was planned, or since a person retried it
  failing_since timestamptz, -- when the first of these began; when there is none, the last attempt
  attempted_at timestamptz, -- when the last attempt began
  next_attempt_at timestamptz not null default app_now(),
  leased_until timestamptz, -- until then one process alone may send it
  last_error text,
  created_at timestamptz not null default app_now(),
  finished_at timestamptz
) with (fillfactor = 70);
create index deliveries_newest on deliveries (created_at desc, id desc);
create index deliveries_of_channel on deliveries (channel_id, created_at desc, id desc);
create index deliveries_of_monitor on deliveries (monitor_id, created_at desc, id desc);
create index deliveries_pending on deliveries (channel_id, monitor_id, event_number) where status = 'pending';
create index deliveries_due on deliveries (channel_id, next_attempt_at) where status = 'pending';
create index deliveries_exhausted on deliveries (created_at, event_number, id) where status = 'exhausted';

-- Whether Stillup itself has a connection to the world, in one row. It is offline while any process that checks reports
-- that it is.
create table connectivity (
  one boolean primary key default true check (one),
  event_count int not null default 0, -- counts the changes, each of them an event of `system`
  offline_since timestamptz, -- null: it is online
  offline_reporters jsonb not null default '{}', -- the processes that are offline, and when each last reported that
  online_at timestamptz -- when it was last online again
);
insert into connectivity default values;

-- The newest canary, in one row: a message that goes through every stream and worker. The watchdog is called when one
-- arrives in time.
create table canary (
  one boolean primary key default true check (one),
  number bigint not null default 0, -- counts the canaries
  sent_at timestamptz,
  checked_at timestamptz, -- when the worker monitoring passed it on
  handled_at timestamptz, -- when the worker status-change passed it on
  arrived_at timestamptz -- when the worker notification received it
);
insert into canary default values;

-- A monitor's hours: time by status, and its checks summed up.
create table rollups_hour (
  monitor_id text not null,
  start timestamptz not null, -- of the hour, in UTC
  up_seconds float8 not null,
  down_seconds float8 not null,
  checks int not null,
  failures int not null,
  total_ms_sum float8 not null,
  total_ms_max float8 not null,
  primary key (monitor_id, start)
);
create index rollups_hour_start on rollups_hour (start);
create table rollups_day (like rollups_hour including all); -- the same for days

-- Stream messages that no attempt could handle.
create table dead_letters (
  id text primary key default new_id('msg'),
  stream text not null,
  message_id text not null,
  body text not null,
  reason text not null,
  attempts int not null,
  created_at timestamptz not null default app_now(),
  unique (stream, message_id)
);
create index dead_letters_newest on dead_letters (created_at desc, id desc);

-- Seconds up and down between two times, by the status changes.
create function status_seconds(of_monitor text, since timestamptz, until timestamptz)
returns table (up_seconds float8, down_seconds float8) language sql stable
begin atomic
  with spans as (
    select status, greatest(at, since) as began,
      least(coalesce(lead(at) over (order by version), until), until) as ended
    from status_changes
    where monitor_id = of_monitor and at < until
      and version >= coalesce((
        select max(version) from status_changes where monitor_id = of_monitor and at <= since
      ), 0)
  )
  select
    coalesce(sum(extract(epoch from ended - began)) filter (where status = 'up'), 0)::float8,
    coalesce(sum(extract(epoch from ended - began)) filter (where status = 'down'), 0)::float8
  from spans
  where ended > began;
end;

-- Creates the day partitions of checks from yesterday to `ahead` days from now. Rows that went into the default
-- partition are moved. Security definer, so that the application's role need not own the tables.
create function make_check_partitions(ahead int) returns int language plpgsql security definer
set search_path from current set lock_timeout = '3s' as $$
declare
  day date;
  made int := 0;
  part text;
  from_at timestamptz;
  until_at timestamptz;
begin
  for day in
    select (app_now() at time zone 'UTC')::date + i from generate_series(-1, ahead) as i
  loop
    part := 'checks_' || to_char(day, 'YYYYMMDD');
    continue when to_regclass(part) is not null;
    from_at := day::timestamp at time zone 'UTC';
    until_at := (day + 1)::timestamp at time zone 'UTC';
    execute format('create table %I (like checks including defaults)', part);
    execute format(
      'with moved as (delete from checks_default where at >= %L and at < %L returning *)
        insert into %I select * from moved',
      from_at, until_at, part
    );
    execute format('alter table checks attach partition %I for values from (%L) to (%L)', part, from_at, until_at);
    made := made + 1;
  end loop;
  return made;
end $$;

-- Drops the day partitions that ended more than `keep_days` days ago, and rows of that age in the default partition.
create function drop_check_partitions(keep_days int) returns int language plpgsql security definer
set search_path from current set lock_timeout = '3s' as $$
declare
  part text;
  dropped int := 0;
  oldest date := (app_now() at time zone 'UTC')::date - keep_days;
begin
  for part in
    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'checks'::regclass and c.relname ~ '^checks_\d{8}$'
      and to_date(substr(c.relname, 8), 'YYYYMMDD') < oldest
  loop
    execute format('drop table %I', part);
    dropped := dropped + 1;
  end loop;
  delete from checks_default where at < oldest::timestamp at time zone 'UTC';
  return dropped;
end $$;

-- Wakes a schedule: it runs at `at` at the latest. A schedule that never ran has no row, and runs at once anyway.
-- Returns when it runs next.
-- Call this last: who locks monitors or deliveries locks them before the schedule.
create function wake_schedule(schedule text, at timestamptz default app_now()) returns timestamptz
language sql volatile
begin atomic
  update schedules set next_run_at = least(next_run_at, at) where name = schedule returning next_run_at;
end;

-- Claims a run of a schedule: one of all processes that ask gets `claimed`. `next_in_ms` says when to ask again.
-- While something is due within 5 minutes, or was within the last 2, the next run is in `every_seconds` or at `due_at`.
-- Otherwise all schedules but those that never sleep wait for the next due time or full hour, so that a database that
-- scales to zero can do so.
create function claim_schedule(
  schedule text, every_seconds float8, never_sleeps boolean default false, due_at timestamptz default null,
  out claimed boolean, out next_in_ms float8
) language plpgsql as $$
declare
  every interval := make_interval(secs => every_seconds);
  soon timestamptz := app_now() + interval '5 min';
  is_busy boolean :=
    exists (select from monitors where next_check_at <= soon and status <> 'paused' and deleted_at is null)
    or exists (select from monitors where pending_events <> '[]')
    or exists (select from deliveries where status = 'pending' and next_attempt_at <= soon)
    or exists (select from connectivity where offline_since is not null);
begin
  loop
    update schedules
    set last_run_at = app_now(),
      busy_at = case when is_busy then app_now() else busy_at end,
      next_run_at = case
        when is_busy or busy_at > app_now() - interval '2 min' or never_sleeps then least(app_now() + every, due_at)
        else least(
          date_trunc('hour', app_now(), 'UTC') + interval '1 hour',
          (select min(next_attempt_at) from deliveries where status = 'pending' and next_attempt_at > app_now()),
          (select min(next_check_at) - interval '5 s' from monitors where status <> 'paused' and deleted_at is null)
        )
      end
    where name = schedule and (next_run_at <= app_now() or is_busy and last_run_at + every <= app_now());
    claimed := found;
    exit when claimed or exists (select from schedules where name = schedule);
    insert into schedules (name) values (schedule) on conflict do nothing;
  end loop;
  next_in_ms := (
    select 1000 * greatest(0, extract(
      epoch from least(next_run_at, case when is_busy then last_run_at + every end) - app_now()
    ))
    from schedules where name = schedule
  );
end $$;

-- Decides which status a check gives a monitor, and which event it causes (null: none): the table in ARCHITECTURE.md,
-- "How it decides". `verdict` is success, failure or unknown; `streak` counts equal verdicts in a row with this one.
-- Call it in FROM: then the planner puts its text into the query, and a call costs nothing.
create function next_status(
  status text, reported_down boolean, verdict text, streak int, failure_threshold int, recovery_threshold int
) returns table (new_status text, event text) language sql immutable parallel safe
begin atomic
  select decided.status,
    case when decided.status in ('up', 'down') and (decided.status = 'down') <> reported_down then decided.status end
  from (
    select case
      when verdict = 'unknown' then 'unknown'
      when verdict = 'success' and (not reported_down or streak >= recovery_threshold) then 'up'
      when verdict = 'failure' and (reported_down or streak >= failure_threshold) then 'down'
      else next_status.status
    end as status
  ) as decided;
end;

-- Makes monitors due now, except paused and deleted ones, and wakes the schedule that gives out checks. Returns their
-- count.
create function make_monitors_due(ids text[]) returns int language plpgsql as $$
declare
  made_due int;
begin
  with locked as materialized (
    select id from monitors where id = any(ids) and status <> 'paused' and deleted_at is null order by id for update
  )
  update monitors m set next_check_at = least(m.next_check_at, app_now()) from locked where m.id = locked.id;
  get diagnostics made_due = row_count;
  if made_due > 0 then
    perform wake_schedule('enqueue-checks');
  end if;
  return made_due;
end $$;

-- Writes an incident, open or resolved, as the monitor's row has it, and returns it as it is now. One that is resolved
-- keeps its end. The caller has locked the monitor's row, and must read the result: Postgres skips a SELECT in a WITH
-- that nothing reads.
create function write_incident(incident jsonb) returns jsonb language plpgsql as $$
begin
  insert into incidents as i (id, monitor_id, started_at, confirmed_at, cause, resolved_at, resolution)
  values (
    incident->>'id', incident->>'monitorId', (incident->>'startedAt')::timestamptz,
    (incident->>'confirmedAt')::timestamptz, incident->'cause', (incident->>'resolvedAt')::timestamptz,
    incident->>'resolution'
  )
  on conflict (id) do update
  set resolved_at = coalesce(i.resolved_at, excluded.resolved_at),
    resolution = coalesce(i.resolution, excluded.resolution)
  returning incident || jsonb_build_object(
    'status', case
      when i.resolved_at is not null then 'resolved'
      when i.acknowledged_at is not null then 'acknowledged'
      else 'open'
    end,
    'acknowledgedAt', iso(i.acknowledged_at), 'resolvedAt', iso(i.resolved_at), 'resolution', i.resolution
  ) into incident;
  return incident;
end $$;

-- Cancels these deliveries, as far as they are pending, or have another of the given statuses. Returns their count.
create function cancel_deliveries(ids text[], of_status text[] default '{pending}') returns int language plpgsql as $$
declare
  cancelled int;
begin
  with locked as materialized (
    select id from deliveries where id = any(ids) and status = any(of_status) order by id for update
  )
  update deliveries d set status = 'cancelled', finished_at = app_now(), leased_until = null
  from locked where d.id = locked.id;
  get diagnostics cancelled = row_count;
  return cancelled;
end $$;

-- Ends every lease on checks and deliveries, for when no process runs that could hold one.
create function free_leases() returns void language sql volatile
begin atomic
  update monitors set next_check_at = app_now() where seq > last_seq and next_check_at > app_now();
  update deliveries set leased_until = null where status = 'pending' and leased_until is not null;
end;

select make_check_partitions(3);

-- Every statement reads the time here, so that tests can own the clock. STABLE: a volatile clock makes every due-time
-- query a sequential scan. statement_timestamp(), not now(): in a list the clock moves on after a wait for a lock.
create function app_now() returns timestamptz language sql stable parallel safe
return statement_timestamp();

-- Random, so that a webhook-id is never used twice, not even by a database made anew: receivers drop repeated ids.
create function new_id(prefix text) returns text language sql volatile
return prefix || '_' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 20);

-- ISO 8601 in UTC with milliseconds, as the API shows times; for times inside jsonb.
create function iso(at timestamptz) returns text language sql stable parallel safe
return to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

-- The first slot after a time. A monitor's slots lie on a grid of its interval, shifted by its own phase, so that
-- monitors made together do not stay together.
create function next_slot(phase float8, interval_seconds int, after timestamptz) returns timestamptz
language sql stable parallel safe
return to_timestamp(
  (floor(extract(epoch from after)::float8 / interval_seconds - phase) + 1 + phase) * interval_seconds
);

-- One row for each schedule. claim_schedule adds a row when it does not know the name.
create table schedules (
  name text primary key, -- the name of its file in functions/schedules
  next_run_at timestamptz not null default '-infinity', -- from then on a process may claim the next run
  last_run_at timestamptz, -- when a process last claimed a run
  busy_at timestamptz -- when there was last something to do
);

create table channels (
  id text primary key default new_id('ch'),
  name text not null,
  type text not null,
  is_default boolean not null,
  system_alerts boolean not null default false, -- told of what concerns Stillup itself
  config jsonb not null,
  disabled boolean not null default false,
  created_at timestamptz not null default app_now(),
  updated_at timestamptz not null default app_now(),
  deleted_at timestamptz
);
create index channels_newest on channels (created_at desc, id desc) where deleted_at is null;

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
  revision int not null default 1, -- what is checked; a result of another revision is dropped
  phase float8 not null default random(),
  next_check_at timestamptz not null default app_now(), -- due; once a slot is given out, the end of its lease
  seq bigint not null default 0, -- the slot last given out
  last_seq bigint not null default 0, -- the slot last answered
  waiting_since timestamptz, -- when the slot became due that is given out and has no answer
  last_check_at timestamptz,

  -- what was decided
  status text not null default 'pending' check (status in ('pending', 'up', 'down', 'paused', 'unknown')),
  status_since timestamptz not null default app_now(),
  version int not null default 0, -- counts status changes
  streak int not null default 0, -- equal answers in a row
  streak_ok boolean not null default true,
  streak_since timestamptz,
  streak_check jsonb, -- the streak's first check

  -- events: what people are notified of. They are on this row, not in tables of their own, because a statement that
  -- waited for the row's lock sees the row as it is now, but other rows as they were before.
  event_count int not null default 0, -- of all time; the last event's number
  reported_down boolean not null default false, -- the last event was a down
  pending_events jsonb not null default '[]', -- not handled yet: [{number, type, at, first, check}], oldest first
  incident jsonb, -- the one that the last handled event opened, until the monitor is up or stopped

  rolled_up_to timestamptz not null default date_trunc('hour', app_now(), 'UTC')
) with (fillfactor = 50);
create index monitors_newest on monitors (created_at desc, id desc) where deleted_at is null;
create index monitors_due on monitors (next_check_at) where deleted_at is null and status <> 'paused';
create index monitors_pending_events on monitors (id) where pending_events <> '[]';
create index monitors_tags on monitors using gin (tags) where deleted_at is null;

-- A monitor's statuses over time. `at` is when it began to be so: a downtime is dated from its first failure.
create table status_changes (
  monitor_id text not null,
  version int not null,
  status text not null,
  at timestamptz not null,
  decided_at timestamptz not null default app_now(),
  primary key (monitor_id, version)
);

create table checks (
  monitor_id text not null,
  at timestamptz not null,
  outcome text not null,
  status_code int,
  total_ms real not null,
  dns_ms real,
  connect_ms real,
  tls_ms real,
  first_byte_ms real,
  body_ms real,
  detail text
) partition by range (at);
create index checks_of_monitor on checks (monitor_id, at desc);
create table checks_default partition of checks default;

create table incidents (
  id text primary key,
  monitor_id text not null,
  started_at timestamptz not null,
  confirmed_at timestamptz not null,
  acknowledged_at timestamptz,
  resolved_at timestamptz,
  resolution text check (resolution in ('recovered', 'manual', 'paused', 'deleted')),
  cause jsonb not null,
  check ((resolved_at is null) = (resolution is null))
);
create index incidents_newest on incidents (confirmed_at desc, id desc);
create index incidents_of_monitor on incidents (monitor_id, confirmed_at desc, id desc);
create index incidents_open on incidents (confirmed_at desc, id desc) where resolved_at is null;

create table deliveries (
  id text primary key,
  event_id text not null,
  channel_id text not null,
  monitor_id text not null, -- `system` for what concerns Stillup itself
  event_number int not null, -- the monitor's `event_count` when it happened: a channel gets events in this order
  type text not null,
  data jsonb not null,
  answered_at timestamptz not null, -- when the answer came that this event was decided on
  status text not null default 'pending' check (status in ('pending', 'delivered', 'exhausted', 'cancelled')),
  attempts int not null default 0, -- the fence
  failures int not null default 0, -- tries that failed since it was planned, or retried by hand
  failing_since timestamptz, -- when the first of those began; while there is none, the last try
  tried_at timestamptz, -- the last try's beginning
  next_attempt_at timestamptz not null default app_now(),
  leased_until timestamptz,
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

-- Whether Stillup itself can see, in one row. It is offline while any process that checks reports that it is.
create table connectivity (
  one boolean primary key default true check (one),
  event_count int not null default 0, -- changes so far, each of them an event of `system`
  offline_since timestamptz, -- null: it sees
  offline_reporters jsonb not null default '{}', -- the processes that are offline, and when each said so last
  online_at timestamptz -- when it last came to see again
);
insert into connectivity default values;

-- What the heartbeat rests on, in one row: a canary goes through every stream and worker, and leaves its times here.
create table canary (
  one boolean primary key default true check (one),
  number bigint not null default 0,
  sent_at timestamptz,
  checked_at timestamptz,
  handled_at timestamptz,
  arrived_at timestamptz
);
insert into canary default values;

create table rollups_hour (
  monitor_id text not null,
  start timestamptz not null,
  up_seconds float8 not null,
  down_seconds float8 not null,
  checks int not null,
  failures int not null,
  total_ms_sum float8 not null,
  total_ms_max float8 not null,
  primary key (monitor_id, start)
);
create index rollups_hour_start on rollups_hour (start);
create table rollups_day (like rollups_hour including all);

-- Stream messages that no try could handle.
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

-- Seconds up and down between two times, from the statuses.
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

-- Day partitions of checks for yesterday to `ahead` days from now. Rows that fell into the default partition meanwhile
-- are moved. Definer: so that the application's role need not own the tables.
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
      'with moved as (delete from checks_default where at >= %L and at < %L returning *) insert into %I select * from moved',
      from_at, until_at, part
    );
    execute format('alter table checks attach partition %I for values from (%L) to (%L)', part, from_at, until_at);
    made := made + 1;
  end loop;
  return made;
end $$;

-- Drops the day partitions that ended more than `keep_days` days ago, and such rows of the default one.
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

-- Wakes a schedule: it runs at a time at the latest, now when none is given. One that has never run has no row, and
-- runs at once anyway. Returns when it runs next.
create function wake_schedule(schedule text, at timestamptz default app_now()) returns timestamptz
language sql volatile
begin atomic
  update schedules set next_run_at = least(next_run_at, at) where name = schedule returning next_run_at;
end;

-- Claims a run of a schedule: of all processes that ask, one gets `claimed`. `next_in_ms` says when anybody may ask again.
-- While something is due within 5 minutes, or was within the last 2, runs are `every_seconds` apart, or end earlier at
-- `due_at`, when this schedule has something to do. Else every schedule sleeps until the same moment, the next due
-- time or the next full hour, so that a database that scales to zero may do so. `never_sleeps` excepts a schedule from
-- that. When something new comes while it sleeps, a process may claim a run early.
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
    select greatest(0, extract(epoch from least(next_run_at, case when is_busy then last_run_at + every end) - app_now()))
      * 1000
    from schedules where name = schedule
  );
end $$;

-- What a check makes of a monitor: its status, and the event that people are notified of (null: none). The table in
-- ARCHITECTURE.md, "How it decides". `verdict` is success, failure or unknown. `streak` counts equal verdicts in a row,
-- this one included. `reported_down` says whether the last event was a down.
-- A query that calls it in FROM contains its text after planning, so a call costs nothing.
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

-- Makes monitors due now, all but the paused and the deleted ones, and wakes the schedule that gives checks out. Returns
-- how many.
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

-- Writes an incident as it stands on its monitor's row, opened or resolved. One that is resolved already keeps its end.
-- Returns the incident as it is now. The caller holds the monitor's lock.
create function write_incident(incident jsonb) returns jsonb language plpgsql as $$
begin
  insert into incidents as i (id, monitor_id, started_at, confirmed_at, cause, resolved_at, resolution)
  values (
    incident->>'id', incident->>'monitorId', (incident->>'startedAt')::timestamptz,
    (incident->>'confirmedAt')::timestamptz, incident->'cause', (incident->>'resolvedAt')::timestamptz,
    incident->>'resolution'
  )
  on conflict (id) do update
  set resolved_at = coalesce(i.resolved_at, excluded.resolved_at), resolution = coalesce(i.resolution, excluded.resolution)
  returning incident || jsonb_build_object(
    'status', case when i.resolved_at is not null then 'resolved' when i.acknowledged_at is not null then 'acknowledged' else 'open' end,
    'acknowledgedAt', iso(i.acknowledged_at), 'resolvedAt', iso(i.resolved_at), 'resolution', i.resolution
  ) into incident;
  return incident;
end $$;

-- Cancels those of these deliveries that are pending, or have another status that is given. Returns how many.
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

select make_check_partitions(3);

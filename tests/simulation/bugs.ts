import type { Name } from "./commands.ts";
import type { Invariant } from "./violation.ts";

/** A piece of the source that stands there exactly once, and what a bug makes of it. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** Within so many runs of the simulation, in which some commands may come often. */
export interface Soon {
  readonly runs: number;
  readonly often?: readonly Name[];
  /** What must be found broken. */
  readonly by: Invariant;
}

/** By the tests on a real service. */
export interface OnService {
  readonly test: string;
  /** Part of the title of the one that must fail; no sign in it means anything to a regular expression. */
  readonly by: string;
  /** Part of what the bug may make it fail with, where it does not come as far as to what it expects. */
  readonly error?: string;
  readonly needs: "postgres" | "redis";
}

/** A way to break Stillup, and who must notice. */
export interface Bug {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** The simulation, within so many runs; or the tests on a real service, where one statement at a time hides the bug. */
  readonly caughtBy: Soon | OnService;
}

const apply = "domain/checks/apply-results.ts";
const handle = "domain/incidents/handle-status-changes.ts";
const lease = "domain/deliveries/lease-deliveries.ts";
const record = "domain/deliveries/record-attempt.ts";
const onPostgres = {
  test: "tests/unit/domain/checks/concurrency.slow.test.ts",
  by: "10,000 on 500",
  needs: "postgres",
} as const;
const onRedis = { test: "tests/contracts/stream.redis.slow.test.ts", needs: "redis" } as const;
const told = "Every confirmed change is told on every channel that it is for";
const nothingLeft = "Nothing is left to be handled, delivered or acked";
const incidents = "Each incident agrees with the changes it is about";
const connectivity = "Each loss and return of connectivity is one change, told once";

export const bugs: readonly Bug[] = [
  {
    name: "status changes are not swept",
    edits: [
      {
        file: "functions/schedules/sweep-status-changes.ts",
        find: "if (monitorIds.length === 0) return { nextInMs };",
        replace: "if (monitorIds.length >= 0) return { nextInMs };",
      },
    ],
    caughtBy: { runs: 100, often: ["change unheard"], by: nothingLeft },
  },
  {
    name: "deliveries are not swept",
    edits: [
      {
        file: "functions/schedules/sweep-deliveries.ts",
        find: "if (channelIds.length > 0) ctx",
        replace: "if (channelIds.length < 0) ctx",
      },
    ],
    caughtBy: { runs: 100, often: ["trap a telling"], by: nothingLeft },
  },
  {
    name: "a delivery is recorded before its receiver has answered",
    edits: [
      {
        file: "domain/deliveries/deliver.ts",
        find: "  const result = await sendEvent(env, channel,",
        replace: "  await recordDelivered(env.sql, delivery);\n  const result = await sendEvent(env, channel,",
      },
    ],
    caughtBy: { runs: 100, often: ["trap a telling"], by: told },
  },
  {
    name: "what cannot be read is acked before it is dead-lettered",
    edits: [
      {
        file: "runtime/worker/consumer-call.ts",
        find: "  const kept = await deadLetters(options, settlement);",
        replace: `  const given = settlement.deadLetters.map(({ message }) => message.id);
  await options.env.stream.settle(options.who, { ack: given, publish: [] }).catch(() => {});
  const kept = await deadLetters(options, settlement);`,
      },
    ],
    caughtBy: {
      runs: 100,
      often: ["poison unheard"],
      by: "Only what cannot be read is dead-lettered, and nothing of it is lost",
    },
  },
  {
    name: "every try has a webhook-id of its own",
    edits: [
      {
        file: "domain/channels/types/webhook/sender.ts",
        find: '"webhook-id": id',
        replace: '"webhook-id": id + Math.random()',
      },
    ],
    caughtBy: { runs: 100, often: ["misbehave"], by: "An event has one webhook-id, and no two have the same" },
  },
  {
    name: "an outcome counts though another try has taken over",
    edits: [
      {
        file: record,
        find: `where id = \${end.id} and attempts = \${end.attempt}`,
        replace: `where id = \${end.id}`,
      },
      {
        file: record,
        find: `last_error = \${error}
      where id = \${id} and attempts = \${attempt} and status = 'pending'`,
        replace: `last_error = \${error}
      where id = \${id} and status = 'pending'`,
      },
    ],
    caughtBy: {
      runs: 200,
      often: ["overtake a try"],
      by: "An alert comes twice only where a fault came between its answer and its recording",
    },
  },
  {
    name: "events are handled out of their order",
    edits: [
      {
        file: handle,
        find: "lag(e.opened) over (partition by e.monitor_id order by e.number)",
        replace: "lag(e.opened) over (partition by e.monitor_id order by e.number desc)",
      },
    ],
    caughtBy: { runs: 100, often: ["flap pending_events"], by: incidents },
  },
  {
    name: "a slot is answered more than once",
    edits: [{ file: apply, find: " and i.seq > l.last_seq", replace: "" }],
    caughtBy: { runs: 300, often: ["trap a change"], by: "A result counts once" },
  },
  {
    name: "results of another revision count",
    edits: [{ file: apply, find: " and i.revision = l.revision", replace: "" }],
    caughtBy: { runs: 100, often: ["move monitor"], by: "A result of what is not checked any more is not stored" },
  },
  {
    name: "results are dated by the worker's clock",
    edits: [
      { file: apply, find: "ageMs: Math.max(0, now - beganAt)", replace: "ageMs: Date.now() - (now - beganAt)" },
      {
        file: apply,
        find: `app_now() - make_interval(secs => "ageMs" / 1000) as at`,
        replace: `to_timestamp("ageMs" / 1000) as at`,
      },
    ],
    caughtBy: {
      runs: 100,
      often: ["step clock"],
      by: "A stored result is what the target answered, dated when it did",
    },
  },
  {
    name: "the lease of a check never ends",
    edits: [
      {
        file: "domain/checks/claim-due-checks.ts",
        find: "greatest(due.due_at, app_now()) + make_interval(secs => m.check_timeout_ms / 1000.0 + 20)",
        replace: "'infinity'",
      },
    ],
    caughtBy: { runs: 100, by: "Monitors end up as their targets are" },
  },
  {
    name: "the lease of a delivery never ends",
    edits: [
      {
        file: lease,
        find: "and (d.leased_until is null or d.leased_until <= app_now())",
        replace: "and d.leased_until is null",
      },
    ],
    caughtBy: { runs: 100, often: ["trap a telling"], by: nothingLeft },
  },
  {
    name: "what a dead consumer held is not taken over",
    edits: [
      {
        file: "runtime/worker/consumer.ts",
        find: "if (untilClaimStaleMs > 0) {",
        replace: "if (untilClaimStaleMs < 1e9) {",
      },
    ],
    caughtBy: { runs: 100, by: nothingLeft },
  },
  {
    name: "a monitor's deliveries to a channel are sent side by side",
    edits: [{ file: lease, find: "and d.event_number = (", replace: "and d.event_number >= (" }],
    caughtBy: {
      runs: 100,
      often: ["flap pending_events", "misbehave"],
      by: "A monitor's events come to a channel in their order",
    },
  },
  {
    name: "what is not told when a monitor is paused is told later",
    edits: [{ file: "domain/monitors/stop-monitor.ts", find: "pending_events = '[]', ", replace: "" }],
    caughtBy: { runs: 100, often: ["change unheard", "pause monitor", "resume monitor"], by: incidents },
  },
  {
    name: "a wake-up that cannot be sent fails the write",
    edits: [{ file: "domain/messaging/wake.ts", find: "        return false;", replace: "        throw error;" }],
    caughtBy: {
      runs: 100,
      often: ["streams away", "check monitor"],
      by: "A write that the database took is not refused",
    },
  },
  {
    name: "nobody asks whether anything can be seen",
    edits: [
      {
        file: "domain/connectivity/connectivity.ts",
        find: "if (env.config.connectivityTargets.length === 0 ||",
        replace: "if (env.config.connectivityTargets.length >= 0 ||",
      },
    ],
    caughtBy: { runs: 100, by: "What cannot be seen is not told to be down" },
  },
  {
    name: "every report of offline time is told",
    edits: [
      {
        file: "domain/connectivity/record-connectivity.ts",
        find: "when offline_since is null and reporters <> '{}' then 'offline'",
        replace: "when reporters <> '{}' then 'offline'",
      },
    ],
    caughtBy: { runs: 100, by: connectivity },
  },
  {
    name: "a downtime is told again after offline time",
    edits: [
      {
        file: apply,
        find: "c.status, c.reported_down, c.verdict",
        replace: "c.status, c.reported_down and c.status <> 'unknown', c.verdict",
      },
    ],
    caughtBy: { runs: 100, by: "Nothing is told that did not happen, or that nobody is to hear" },
  },
  {
    name: "one silent connectivity target is offline time",
    edits: [
      {
        file: "domain/connectivity/ask-targets.ts",
        find: 'found.includes("answered") || !found.includes("silent")',
        replace: '!found.includes("silent")',
      },
      {
        file: "domain/connectivity/ask-targets.ts",
        find: "return await Promise.race([first, all]);",
        replace: "return await all;",
      },
    ],
    caughtBy: { runs: 100, often: ["silence control", "flip"], by: connectivity },
  },
  {
    name: "who stores that nothing could be seen does not report it",
    edits: [
      {
        file: "domain/checks/run-checks.ts",
        find: `if (results.some(({ outcome }) => outcome === "unknown")) await reportOffline(env);`,
        replace: "void reportOffline;",
      },
    ],
    caughtBy: { runs: 100, by: connectivity },
  },
  {
    name: "who is offline reports after a while that it sees",
    edits: [
      {
        file: "domain/connectivity/report-connectivity.ts",
        find: "await report(env, connectivity, await connectivity.sees(performance.now()));",
        replace: "await connectivity.sees(performance.now());\n    await report(env, connectivity, true);",
      },
    ],
    caughtBy: { runs: 100, by: connectivity },
  },
  {
    name: "what is not sent because its channel is deleted counts as delivered",
    edits: [
      {
        file: "domain/channels/delete-channel.ts",
        find: `select cancel_deliveries(array(select id from deliveries where channel_id = \${id} and status = 'pending'))`,
        replace: `update deliveries set status = 'delivered' where channel_id = \${id} and status = 'pending'`,
      },
    ],
    caughtBy: { runs: 100, often: ["fail", "misbehave", "delete channel"], by: told },
  },
  {
    name: "what could not be delivered is never tried again",
    edits: [
      {
        file: record,
        find: `set next_attempt_at = app_now() + make_interval(secs => \${delayMs}::float8 / 1000)`,
        replace: `set next_attempt_at = app_now() + make_interval(days => \${Math.ceil(delayMs)})`,
      },
    ],
    caughtBy: { runs: 100, often: ["misbehave"], by: nothingLeft },
  },
  {
    name: "any failure disables a channel",
    edits: [
      { file: "domain/deliveries/deliver.ts", find: 'case "gone":', replace: 'case "failed":\n    case "gone":' },
    ],
    caughtBy: {
      runs: 100,
      often: ["misbehave"],
      by: "A channel is closed by people alone, or when its receiver is gone",
    },
  },
  {
    name: "whether a down was reported is read outside of the locked row",
    edits: [
      {
        file: apply,
        find: "l.event_count, l.reported_down, i.*",
        replace: "l.event_count, (select m.reported_down from monitors m where m.id = l.id) as reported_down, i.*",
      },
    ],
    // An "up" after an "up": there is no check to date it by.
    caughtBy: { ...onPostgres, error: "SQLSTATE 23502" },
  },
  {
    name: "the open incident is looked up in its table",
    edits: [
      {
        file: handle,
        find: "(select l.incident from locked l where l.id = e.monitor_id)",
        replace: `(select jsonb_build_object('id', i.id, 'monitorId', i.monitor_id, 'startedAt', i.started_at, 'confirmedAt', i.confirmed_at, 'cause', i.cause)
            from incidents i where i.monitor_id = e.monitor_id and i.resolved_at is null
            order by i.confirmed_at desc limit 1)`,
      },
    ],
    caughtBy: onPostgres,
  },
  {
    name: "rows are locked in no order",
    edits: [
      { file: apply, find: 'from (select "monitorId" from input order by "monitorId") i', replace: "from input i" },
    ],
    caughtBy: onPostgres,
  },
  {
    name: "a stream is kept short by dropping its oldest entries",
    edits: [
      {
        file: "runtime/drivers/stream/redis-commands.ts",
        find: 'return ["XADD", key, "*", bodyField, body];',
        replace: 'return ["XADD", key, "MAXLEN", 100, "*", bodyField, body];',
      },
    ],
    caughtBy: { ...onRedis, by: "gives a new group what was published before it was there, in order" },
  },
  {
    name: "entries that were deleted while pending are overlooked",
    edits: [
      {
        file: "runtime/drivers/stream/redis-commands.ts",
        find: "return { claimed[1], found, #claimed[3] }`",
        replace: "return { claimed[1], found, 0 }`",
      },
    ],
    caughtBy: { ...onRedis, by: "is counted as lost when it was deleted meanwhile" },
  },
  {
    name: "a group that Redis has lost is not made again",
    edits: [
      {
        file: "runtime/drivers/stream/redis-reads.ts",
        find: "  const missed = createMissed();",
        replace: "  const missed = createMissed();\n  const made = new Set<string>();",
      },
      {
        file: "runtime/drivers/stream/redis-reads.ts",
        find: '      await send("make_group",',
        replace: `      if (made.has(who.stream)) throw target.failure("has lost the group");
      made.add(who.stream);
      await send("make_group",`,
      },
    ],
    caughtBy: { ...onRedis, by: "gives what comes after to a read that waits", error: "has lost the group" },
  },
  {
    name: "an idle consumer is removed with what it holds",
    edits: [{ file: "runtime/drivers/stream/redis-entries.ts", find: "is.pending == 0 and ", replace: "" }],
    caughtBy: { ...onRedis, by: "stay while they hold something" },
  },
];

/** The source of a file with a bug's edits made. Throws when one does not fit any more. */
export function editorOf({ name, edits }: Bug): {
  edit(path: string, text: string): string;
  unused(): readonly Edit[];
} {
  const left = new Set(edits);
  return {
    edit(path, text) {
      let edited = text;
      for (const each of edits) {
        if (each.file !== path) continue;
        const { find, replace } = each;
        if (text.split(find).length !== 2) {
          throw new Error(`The bug "${name}" does not fit any more: ${path} has not once ${JSON.stringify(find)}`);
        }
        edited = edited.split(find).join(replace);
        left.delete(each);
      }
      return edited;
    },
    unused: () => [...left],
  };
}

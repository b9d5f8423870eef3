import type { Found } from "./found.ts";
import type { Ledger, Post } from "./ledger.ts";
import type { ConnectivityModel, MonitorModel } from "./model.ts";
import { type Violation, violation } from "./violation.ts";

/**
 * Holds what receivers got against all events: each known, with one id, on a lease, in order, no more often than
 * faults allow, and nothing delivered that was not taken.
 */
export function checkPosts(
  { posts }: Ledger,
  { deliveries }: Found,
  { models, connectivity }: { models: readonly MonitorModel[]; connectivity: readonly ConnectivityModel[] },
): Violation[] {
  const numbers = numbersOf(models, connectivity);
  const keyOf = (post: Post) => `${post.monitorId} ${post.event}`;
  const stray = posts.filter((post) => !numbers.has(keyOf(post)));
  const untaken = deliveries.filter(
    ({ id, status }) => status === "delivered" && !posts.some((post) => post.id === id && post.taken),
  );
  return [
    ...untaken.map(({ id }) =>
      violation("Every confirmed change is told on every channel that it is for", `${id} is delivered, but not taken`),
    ),
    ...stray.map((post) =>
      violation("Nothing is told that did not happen, or that nobody is to hear", `${post.id} told of ${keyOf(post)}`),
    ),
    ...posts
      .filter(({ lease }) => lease === null)
      .map(({ id, host }) => violation("What is sent is leased", `${host.name} sent ${id} without a lease`)),
    ...checkIds(posts, keyOf),
    ...groups(posts, (post) => post.id).flatMap(checkRepeats),
    ...groups(posts, (post) => `${post.monitorId} on ${post.channelUrl}`).flatMap((ofOne) =>
      checkOrder(ofOne, (post) => numbers.get(keyOf(post)) ?? 0),
    ),
  ];
}

/** Every event that there was, by what its webhooks say of it. */
function numbersOf(models: readonly MonitorModel[], connectivity: readonly ConnectivityModel[]): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const { id, epochs } of models) {
    for (const { type, probe, number } of epochs.flatMap(({ events }) => events)) {
      numbers.set(`${id} monitor.${type} ${probe}`, number);
    }
  }
  for (const { type, since, number } of connectivity) numbers.set(`system system.${type} ${since}`, number);
  return numbers;
}

function checkIds(posts: readonly Post[], keyOf: (post: Post) => string): Violation[] {
  const eventOf = (post: Post) => `${keyOf(post)} on ${post.channelUrl}`;
  const idsOfEvents = groups(posts, eventOf).map((ofOne) => new Set(ofOne.map(({ id }) => id)));
  const eventsOfIds = groups(posts, ({ id }) => id).map((ofOne) => new Set(ofOne.map(eventOf)));
  return [...idsOfEvents, ...eventsOfIds]
    .filter((names) => names.size > 1)
    .map((names) => violation("An event has one webhook-id, and no two have the same", [...names].join(", ")));
}

function checkRepeats(posts: readonly Post[]): Violation[] {
  const taken = posts.filter((post) => post.taken);
  const excused = taken.filter((post) => post.excused).length;
  if (taken.length <= 1 + excused) return [];
  const what = `${taken[0]?.id} was taken ${taken.length} times, with ${excused} faults`;
  return [violation("An alert comes twice only where a fault came between its answer and its recording", what)];
}

function checkOrder(posts: readonly Post[], versionOf: (post: Post) => number): Violation[] {
  return [posts, posts.filter((post) => post.taken)].flatMap((list) => {
    const firsts = [...new Set(list.map(versionOf))];
    if (firsts.every((version, at) => at === 0 || version > (firsts[at - 1] ?? 0))) return [];
    const what = `${posts[0]?.monitorId} on ${posts[0]?.channelUrl}: numbers ${firsts.join(", ")}`;
    return [violation("A monitor's events come to a channel in their order", what)];
  });
}

function groups<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const byKey = new Map<string, T[]>();
  for (const item of items) byKey.set(keyOf(item), [...(byKey.get(keyOf(item)) ?? []), item]);
  return [...byKey.values()];
}

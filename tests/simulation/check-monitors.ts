import type { Found, FoundIncident } from "./found.ts";
import type { Post } from "./ledger.ts";
import { type Eligibility, type Epoch, type Event, incidentsOf, type MonitorModel } from "./model.ts";
import { type Violation, violation } from "./violation.ts";
import type { World } from "./world.ts";

interface Story {
  readonly world: World;
  readonly found: Found;
  readonly eligibility: Eligibility;
  readonly model: MonitorModel;
}

/** Holds one monitor's statuses, incidents and alerts against its model. */
export function checkMonitor(story: Story): Violation[] {
  const { model } = story;
  return [
    ...checkStatus(story),
    ...model.wrong.map((what) =>
      violation("A result of what is not checked any more is not stored", `${model.id}: ${what}`),
    ),
    ...model.offlineFailures.map((probe) =>
      violation("What cannot be seen is not told to be down", `${model.id}: probe ${probe} counted as a failure`),
    ),
    ...model.epochs.flatMap((epoch) => checkEpoch(story, epoch)),
    ...checkNoMore(story),
  ];
}

function checkStatus({ world, found, model }: Story): Violation[] {
  const { id } = model;
  const violations: Violation[] = [];
  const row = found.monitors.find((each) => each.id === id);
  const statuses = found.statuses
    .filter((each) => each.monitorId === id)
    .map(({ version, status, at }) => ({ version, status, at }));
  if (!isSame(statuses, model.statuses) || row?.status !== model.status) {
    const what = `${id} was ${JSON.stringify(statuses)}, should be ${JSON.stringify(model.statuses)}`;
    violations.push(violation("A status is what its stored results make it", what));
  }
  const truth = world.outside.truthOf(model.url);
  if (!model.deleted && model.status !== "paused" && model.status !== truth) {
    violations.push(violation("Monitors end up as their targets are", `${id} is ${model.status}, its target ${truth}`));
  }
  return violations;
}

function checkEpoch(story: Story, epoch: Epoch): Violation[] {
  const { events, end } = epoch;
  // What is not handled when a monitor is paused never is.
  const handled = end === null ? events.length : events.filter((event) => event.handledAt !== null).length;
  return [...checkIncidents(story, epoch, handled), ...checkNotified(story, epoch, handled)];
}

function checkIncidents({ found, model }: Story, epoch: Epoch, handled: number): Violation[] {
  const numbers = new Set(epoch.events.map((event) => event.number));
  const is = found.incidents.filter((each) => each.monitorId === model.id && numbers.has(numberOf(each.id)));
  const should = incidentsOf(epoch, handled);
  const agrees = (each: FoundIncident, at: number) => {
    const expected = should[at];
    if (expected === undefined) return false;
    if (each.startedAt !== expected.startedAt || each.confirmedAt !== expected.confirmedAt) return false;
    if (each.resolution === "manual") return wasResolvedByHand(found, each);
    return each.resolution === expected.resolution && each.resolvedAt === expected.resolvedAt;
  };
  if (is.length === should.length && is.every(agrees)) return [];
  const what = `${model.id} has ${JSON.stringify(is)}, should have ${JSON.stringify(should)}`;
  return [violation("Each incident agrees with the changes it is about", what)];
}

function wasResolvedByHand({ journal }: Found, { id, resolvedAt }: FoundIncident): boolean {
  return journal.some((noted) => noted.kind === "resolved" && noted.id === id && noted.at === resolvedAt);
}

function checkNotified({ world, found, eligibility, model }: Story, epoch: Epoch, handled: number): Violation[] {
  const violations: Violation[] = [];
  epoch.events.forEach((event, at) => {
    for (const [channelId, url] of eligibility.urls) {
      const handledAt = event.handledAt ?? 0;
      const should = at < handled && eligibility.at(model.id, channelId, handledAt);
      const posts = postsOf(world, model, event).filter((post) => post.channelUrl === url);
      const delivery = found.deliveries.find(
        (each) => each.channelId === channelId && each.monitorId === model.id && each.eventNumber === event.number,
      );
      const isPlanned = delivery !== undefined;
      // What is pending is cancelled with its monitor or channel; a last word of "down" with a pause, too.
      const isLastWord = epoch.end !== null && event.type === "down" && at === handled - 1;
      const mayBeCancelled = model.deleted || isLastWord || !eligibility.staysOpen(channelId, handledAt);
      const isNotified = posts.some((post) => post.taken) || (mayBeCancelled && delivery?.status === "cancelled");
      const name = `${model.id} event ${event.number} (${event.type}) on ${url}`;
      if (should && !(isPlanned && isNotified)) {
        const what = `${name} was ${isPlanned ? "planned, but not told" : "not planned"}`;
        violations.push(violation("Every confirmed change is told on every channel that it is for", what));
      }
      if (!should && (posts.length > 0 || isPlanned)) {
        const what = `${name} was ${posts.length > 0 ? "told" : "planned"}`;
        violations.push(violation("Nothing is told that did not happen, or that nobody is to hear", what));
      }
    }
  });
  return violations;
}

/** What was kept of a monitor beyond the model's events. */
function checkNoMore({ found, model }: Story): Violation[] {
  const numbers = new Set(model.epochs.flatMap(({ events }) => events.map(({ number }) => number)));
  const strayDeliveries = found.deliveries.filter(
    (each) => each.monitorId === model.id && !numbers.has(each.eventNumber),
  );
  const strayIncidents = found.incidents.filter(
    (each) => each.monitorId === model.id && !numbers.has(numberOf(each.id)),
  );
  return [
    ...strayDeliveries.map(({ id }) =>
      violation("Nothing is told that did not happen, or that nobody is to hear", `${id} is of no event`),
    ),
    ...strayIncidents.map(({ id }) =>
      violation("Each incident agrees with the changes it is about", `${id} is of no change`),
    ),
  ];
}

function postsOf({ ledger }: World, { id }: MonitorModel, { probe, type }: Event): Post[] {
  return ledger.posts.filter((post) => post.monitorId === id && post.event === `monitor.${type} ${probe}`);
}

function numberOf(incidentId: string): number {
  return Number(incidentId.split("_")[2]);
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

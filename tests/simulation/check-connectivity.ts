import type { Found } from "./found.ts";
import type { ConnectivityModel, Eligibility } from "./model.ts";
import type { Look, Outside, Probe } from "./outside.ts";
import { type Violation, violation } from "./violation.ts";
import type { World } from "./world.ts";

interface Story {
  readonly world: World;
  readonly found: Found;
  readonly eligibility: Eligibility;
}

/** A process reports its offline time so long after it was found, at most: it may be frozen, and the database away. */
const REPORTED_WITHIN_MS = 60_000;
/** A process that says nothing for so long is offline no more. */
const HEARD_OF_MS = 15_000;
/** What is dated by how long ago it was is off by a call's way. */
const WAY_MS = 5;

/** The looks for which a check's result may be unknown: all were silent, and nobody answered again before it began. */
export function checksWhileOffline({ looks }: Outside, probe: Probe | undefined, storedAt: string): Look[] {
  const own = looks.filter(({ host, atMs }) => host === probe?.host && atMs < Date.parse(storedAt) + 1);
  const backOnline = (look: Look) => own.some(({ saw, atMs }) => saw && atMs > look.atMs && atMs < calledAtMs);
  const calledAtMs = probe?.calledAtMs ?? 0;
  return own.filter((look) => !look.saw && !backOnline(look));
}

/** Holds the losses and returns of connectivity against what the processes could reach, and results against them. */
export function checkConnectivity(story: Story, connectivity: readonly ConnectivityModel[]): Violation[] {
  const { outside } = story.world;
  const wrong = connectivity.filter(
    ({ number, type }, at) => number !== at + 1 || (type === "offline") !== (at % 2 === 0),
  );
  const imagined = connectivity.filter((change, at) => !isTrue(outside, change, connectivity[at - 1]));
  const what = [
    ...wrong.map((change) => `It is no change: ${JSON.stringify(change)}`),
    ...imagined.map((change) => `It was not so: ${JSON.stringify(change)}`),
    ...pending_type(story, connectivity).map((probe) => `Probe ${probe} is unknown, and Stillup was not offline`),
    ...(connectivity.at(-1)?.type === "offline" ? ["It is offline at the end"] : []),
    ...connectivity.flatMap((change) => checkNotified(story, change)),
  ];
  return what.map((each) => violation("Each loss and return of connectivity is one change, told once", each));
}

function isTrue(
  { looks }: Outside,
  { type, at, since }: ConnectivityModel,
  before: ConnectivityModel | undefined,
): boolean {
  const atMs = Date.parse(at); // to the millisecond
  const beforeMs = before === undefined ? 0 : Date.parse(before.at);
  const between = looks.filter((look) => look.atMs > beforeMs - WAY_MS && look.atMs < atMs + 1);
  if (type === "online") {
    return between.some(({ saw }) => saw) || !between.some((look) => look.atMs > atMs - HEARD_OF_MS);
  }
  return between.some((look) => {
    const isDated = Math.abs(Date.parse(since) - Math.max(look.sinceMs, beforeMs)) <= WAY_MS;
    return !look.saw && isDated && look.atMs > atMs - REPORTED_WITHIN_MS;
  });
}

/** Unknown results without a offline time that had begun before they were stored, and ended after they were known to be. */
function pending_type({ world, found }: Story, connectivity: readonly ConnectivityModel[]): number[] {
  return found.journal.flatMap(({ kind, at, what }, place) => {
    const { probe, outcome } = what as { probe: number; outcome: string };
    if (kind !== "check" || outcome !== "unknown") return [];
    const looks = checksWhileOffline(world.outside, world.outside.probes[probe], at);
    const begun = connectivity.findLastIndex(({ type, notedAt }) => type === "offline" && notedAt < place);
    const end = connectivity[begun + 1];
    const isOver = (look: Look) => end !== undefined && Date.parse(end.at) + 1 < look.atMs;
    return begun >= 0 && looks.some((look) => !isOver(look)) ? [] : [probe];
  });
}

function checkNotified(
  { world, found, eligibility }: Story,
  { type, since, number, notedAt }: ConnectivityModel,
): string[] {
  return [...eligibility.urls].flatMap(([channelId, url]) => {
    const should = eligibility.at("system", channelId, notedAt) ? "must" : "never";
    const posts = world.ledger.posts.filter(
      (post) => post.event === `system.${type} ${since}` && post.channelUrl === url,
    );
    const delivery = found.deliveries.find(
      (each) => each.monitorId === "system" && each.channelId === channelId && each.eventNumber === number,
    );
    const isPlanned = delivery !== undefined;
    const mayBeCancelled = !eligibility.staysOpen(channelId, notedAt);
    const isNotified = posts.some((post) => post.taken) || (mayBeCancelled && delivery?.status === "cancelled");
    const isRight = should === "must" ? isPlanned && isNotified : !isPlanned && posts.length === 0;
    if (isRight) return [];
    return [`Event ${number} (${type}) on ${url}: planned ${isPlanned}, ${posts.length} posts, ${should} be told`];
  });
}

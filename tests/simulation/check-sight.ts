import type { Found } from "./found.ts";
import { type Violation, violation } from "./invariants.ts";
import type { Eligibility, SightModel } from "./model.ts";
import type { Look, Outside, Probe } from "./outside.ts";
import type { World } from "./world.ts";

interface Story {
  readonly world: World;
  readonly found: Found;
  readonly eligibility: Eligibility;
}

/** A process reports its blindness so long after it was found, at most: it may be frozen, and the database away. */
const REPORTED_WITHIN_MS = 60_000;
/** A process that says nothing for so long is blind no more. */
const HEARD_OF_MS = 15_000;
/** What is dated by how long ago it was is off by a call's way. */
const WAY_MS = 5;

/** The looks for which a check's result may be unknown: all were silent, and nobody answered again before it began. */
export function looksOfBlindness({ looks }: Outside, probe: Probe | undefined, storedAt: string): Look[] {
  const own = looks.filter(({ host, atMs }) => host === probe?.host && atMs < Date.parse(storedAt) + 1);
  const sawAgain = (look: Look) => own.some(({ saw, atMs }) => saw && atMs > look.atMs && atMs < calledAtMs);
  const calledAtMs = probe?.calledAtMs ?? 0;
  return own.filter((look) => !look.saw && !sawAgain(look));
}

/** Holds the losses and returns of sight against what the processes could reach, and results against them. */
export function checkSight(story: Story, sight: readonly SightModel[]): Violation[] {
  const { outside } = story.world;
  const wrong = sight.filter(({ version, type }, at) => version !== at + 1 || (type === "blind") !== (at % 2 === 0));
  const imagined = sight.filter((change, at) => !isTrue(outside, change, sight[at - 1]));
  const what = [
    ...wrong.map((change) => `It is no change: ${JSON.stringify(change)}`),
    ...imagined.map((change) => `It was not so: ${JSON.stringify(change)}`),
    ...untold(story, sight).map((probe) => `Probe ${probe} is unknown, and Stillup was not blind`),
    ...(sight.at(-1)?.type === "blind" ? ["It is blind at the end"] : []),
    ...sight.flatMap((change) => checkTold(story, change)),
  ];
  return what.map((each) => violation("Each loss and return of sight is one change, told once", each));
}

function isTrue({ looks }: Outside, { type, at, since }: SightModel, before: SightModel | undefined): boolean {
  const atMs = Date.parse(at); // to the millisecond
  const beforeMs = before === undefined ? 0 : Date.parse(before.at);
  const between = looks.filter((look) => look.atMs > beforeMs - WAY_MS && look.atMs < atMs + 1);
  if (type === "sighted") {
    return between.some(({ saw }) => saw) || !between.some((look) => look.atMs > atMs - HEARD_OF_MS);
  }
  return between.some((look) => {
    const isDated = Math.abs(Date.parse(since) - Math.max(look.sinceMs, beforeMs)) <= WAY_MS;
    return !look.saw && isDated && look.atMs > atMs - REPORTED_WITHIN_MS;
  });
}

/** Unknown results without a blindness that had begun before they were stored, and ended after they were known to be. */
function untold({ world, found }: Story, sight: readonly SightModel[]): number[] {
  return found.journal.flatMap(({ kind, at, what }, place) => {
    const { probe, outcome } = what as { probe: number; outcome: string };
    if (kind !== "check" || outcome !== "unknown") return [];
    const looks = looksOfBlindness(world.outside, world.outside.probes[probe], at);
    const begun = sight.findLastIndex(({ type, notedAt }) => type === "blind" && notedAt < place);
    const end = sight[begun + 1];
    const isOver = (look: Look) => end !== undefined && Date.parse(end.at) + 1 < look.atMs;
    return begun >= 0 && looks.some((look) => !isOver(look)) ? [] : [probe];
  });
}

function checkTold({ world, found, eligibility }: Story, { type, since, version, notedAt }: SightModel): string[] {
  return [...eligibility.urls].flatMap(([channelId, url]) => {
    const should = eligibility.at("system", channelId, notedAt) ? "must" : "never";
    const posts = world.ledger.posts.filter(
      (post) => post.event === `system.${type} ${since}` && post.channelUrl === url,
    );
    const delivery = found.deliveries.find(
      (each) => each.monitorId === "system" && each.channelId === channelId && each.version === version,
    );
    const isPlanned = delivery !== undefined;
    const mayBeCancelled = !eligibility.staysOpen(channelId, notedAt);
    const isTold = posts.some((post) => post.taken) || (mayBeCancelled && delivery?.status === "cancelled");
    const isRight = should === "must" ? isPlanned && isTold : !isPlanned && posts.length === 0;
    if (isRight) return [];
    return [`Version ${version} (${type}) on ${url}: planned ${isPlanned}, ${posts.length} posts, ${should} be told`];
  });
}

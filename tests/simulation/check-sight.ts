import type { Found } from "./found.ts";
import { type Violation, violation } from "./invariants.ts";
import type { Eligibility, SightModel } from "./model.ts";
import type { World } from "./world.ts";

/** A loss of sight is reported so long after a control target was silent, at most: 3 s to ask, a database that is away. */
const REPORTED_WITHIN_MS = 60_000;

/** Holds the losses and returns of sight against what the processes could reach. */
export function checkSight(
  { world, found, eligibility }: { world: World; found: Found; eligibility: Eligibility },
  sight: readonly SightModel[],
): Violation[] {
  const wrong = sight.filter(({ version, type }, at) => version !== at + 1 || (type === "blind") !== (at % 2 === 0));
  const { silences } = world.outside;
  const imagined = sight.filter(({ type, at }) => {
    const atMs = Date.parse(at); // to the millisecond
    return type === "blind" && !silences.some((each) => each.atMs < atMs + 1 && each.atMs > atMs - REPORTED_WITHIN_MS);
  });
  return [
    ...[...wrong, ...imagined].map((change) =>
      violation(
        "Each loss and return of sight is one change, told once",
        `It could be seen: ${JSON.stringify(change)}`,
      ),
    ),
    ...(sight.at(-1)?.type === "blind"
      ? [violation("Each loss and return of sight is one change, told once", "It is blind at the end")]
      : []),
    ...sight.flatMap((change) => checkTold({ world, found, eligibility }, change)),
  ];
}

function checkTold(
  { world, found, eligibility }: { world: World; found: Found; eligibility: Eligibility },
  { type, since, version, notedAt }: SightModel,
): Violation[] {
  return [...eligibility.urls].flatMap(([channelId, url]) => {
    const should = eligibility.at("system", channelId, notedAt) ? "must" : "never";
    const posts = world.ledger.posts.filter(
      (post) => post.event === `system.${type} ${since}` && post.channelUrl === url,
    );
    const isPlanned = found.deliveries.some(
      (each) => each.monitorId === "system" && each.channelId === channelId && each.version === version,
    );
    const isTold = posts.some((post) => post.taken) || !eligibility.staysOpen(channelId, notedAt);
    const isRight = should === "must" ? isPlanned && isTold : !isPlanned && posts.length === 0;
    if (isRight) return [];
    const what = `version ${version} (${type}) on ${url}: planned ${isPlanned}, ${posts.length} posts, ${should} be told`;
    return [violation("Each loss and return of sight is one change, told once", what)];
  });
}

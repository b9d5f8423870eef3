import { checkConnectivity, checksWhileOffline } from "./check-connectivity.ts";
import { checkMonitor } from "./check-monitors.ts";
import { checkPosts } from "./check-posts.ts";
import { type Found, readFound } from "./found.ts";
import { connectivityModel, Eligibility, type Made, monitorModels } from "./model.ts";
import { type Violation, violation } from "./violation.ts";
import type { World } from "./world.ts";

/** Statements carried out late date a result late: a database's answer takes at most so long. */
const DATED_WITHIN_MS = 6000;
/** To ask the connectivity targets after a failure (3 s), and to be heard. */
const ASKED_WITHIN_MS = 4000;

/** Holds what a finished run left against the model. */
export async function violationsOf(world: World): Promise<Violation[]> {
  const found = await readFound(world);
  const eligibility = new Eligibility(found.journal);
  const models = monitorModels(found.journal, (probe) => made(world, probe));
  const connectivity = connectivityModel(found.journal);
  return [
    ...checkResults(world, found),
    ...models.flatMap((model) => checkMonitor({ world, found, eligibility, model })),
    ...checkConnectivity({ world, found, eligibility }, connectivity),
    ...checkPosts(world.ledger, found, { models, connectivity }),
    ...checkLeft(found),
    ...(await checkStreams(world)),
    ...checkDeadLetters(world, found),
    ...checkClosed(world, found, eligibility),
    ...world.refusals.map((what) => violation("A write that the database took is not refused", what)),
    ...world.bugs.map((what) => violation("Nothing fails that no fault excuses", what)),
  ];
}

function made({ outside }: World, number: number): Made {
  const probe = outside.probes[number];
  if (probe === undefined) return { url: "nothing", calledAtMs: 0, offline: false };
  const { url, host, calledAtMs, learnedAtMs } = probe;
  return { url, calledAtMs, offline: host.isCut(calledAtMs, learnedAtMs + ASKED_WITHIN_MS) };
}

function checkResults({ outside }: World, { journal }: Found): Violation[] {
  const violations: Violation[] = [];
  const seen = new Set<number>();
  for (const noted of journal) {
    if (noted.kind !== "check") continue;
    const { probe, outcome, at } = noted.what as { probe: number; outcome: string; at: string };
    if (seen.has(probe)) violations.push(violation("A result counts once", `probe ${probe} was stored again at ${at}`));
    seen.add(probe);
    const called = outside.probes[probe];
    const lateMs = Date.parse(at) - (called?.calledAtMs ?? 0);
    const isInconclusive = outcome === "unknown" && checksWhileOffline(outside, called, noted.at).length > 0;
    if ((outcome === called?.outcome || isInconclusive) && lateMs > -2 && lateMs < DATED_WITHIN_MS) continue;
    const met = { ...called, host: called?.host.name };
    const what = `probe ${probe} is stored as ${outcome} at ${at}, but it was ${JSON.stringify(met)}`;
    violations.push(violation("A stored result is what the target answered, dated when it did", what));
  }
  return violations;
}

function checkLeft({ monitors, deliveries }: Found): Violation[] {
  const pending_events = monitors
    .filter((monitor) => monitor.pending_events > 0)
    .map(({ id }) => `${id} has pending_events changes`);
  const undelivered = deliveries
    .filter(({ status }) => status !== "delivered" && status !== "cancelled")
    .map(({ id, status }) => `${id} is ${status}`);
  return [...pending_events, ...undelivered].map((what) =>
    violation("Nothing is left to be handled, delivered or acked", what),
  );
}

/** What is in the streams for too long: someone's who died, and taken over by nobody. */
async function checkStreams({ services }: World): Promise<Violation[]> {
  if (await services.isEmpty()) return [];
  return [violation("Nothing is left to be handled, delivered or acked", "entries are left in the streams")];
}

function checkDeadLetters({ poisons }: World, { deadLetters }: Found): Violation[] {
  const good = deadLetters.filter((body) => !poisons.has(body)).map((body) => `${body} was dead-lettered`);
  const lost = [...poisons]
    .filter(([body, mayBeLost]) => !mayBeLost && !deadLetters.includes(body))
    .map(([body]) => `${body} was not dead-lettered`);
  return [...good, ...lost].map((what) =>
    violation("Only what cannot be read is dead-lettered, and nothing of it is lost", what),
  );
}

function checkClosed({ people, ledger }: World, { journal }: Found, { urls }: Eligibility): Violation[] {
  const closed = journal.filter(({ kind, what }) => kind === "channel" && what["open"] === false);
  const isGone = (id: string, at: string) =>
    ledger.posts.some((post) => post.gone && post.channelUrl === urls.get(id) && post.atMs < Date.parse(at) + 1);
  return closed
    .filter(({ id, at }) => !people.closed.has(id) && !isGone(id, at))
    .map(({ id, at }) =>
      violation("A channel is closed by people alone, or when its receiver is gone", `${id} was closed at ${at}`),
    );
}

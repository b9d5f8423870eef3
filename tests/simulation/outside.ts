import type { Http, HttpAnswer, HttpCall, HttpFailure } from "../../runtime/drivers/http/http.ts";
import type { FaultKind, Faults } from "./faults.ts";
import type { Host } from "./host.ts";
import type { Ledger, Post } from "./ledger.ts";
import type { Network, Trip } from "./network.ts";
import type { Timeline } from "./timeline.ts";

/** What a target does: the truth. */
export const behaviours = ["ok", "slow", "error", "timeout", "refused"] as const;
export type Behaviour = (typeof behaviours)[number];

/** What a receiver may do with its next webhooks. */
export const mischiefs = ["500", "429", "timeout", "slow", "took it"] as const;
export type Mischief = (typeof mischiefs)[number] | "410";

const kinds: Record<Mischief, FaultKind> = {
  "500": "receiver answered 500",
  "429": "receiver answered 429",
  "410": "receiver answered 410",
  timeout: "receiver timed out",
  slow: "receiver slow",
  "took it": "receiver took it and did not answer",
};

/** A check as its target saw it. */
export interface Probe {
  readonly url: string;
  readonly calledAtMs: number;
  readonly behaviour: Behaviour;
  readonly host: Host;
  /** What its caller learned, if it did, and when. */
  outcome: "ok" | "status" | "timeout" | "connect" | null;
  learnedAtMs: number;
}

/** One round of all connectivity targets, as the process that asked them knows it. A process makes one after the other. */
export interface Look {
  readonly host: Host;
  /** One answered; else all were silent. */
  readonly saw: boolean;
  /** When the round of silence began that this one belongs to. */
  readonly sinceMs: number;
  /** When the first had answered, or the last was found to be silent. */
  readonly atMs: number;
}

/** What CONNECTIVITY_TARGETS names. */
export const controls = ["http://control-0.simulated/", "http://control-1.simulated/"];

interface OutsideOptions {
  readonly timeline: Timeline;
  readonly random: () => number;
  readonly network: Network;
  readonly faults: Faults;
  readonly ledger: Ledger;
}

/** A webhook's body, as far as it is looked at. */
type Body =
  | {
      readonly type: `monitor.${string}`;
      readonly data: {
        readonly monitor: { readonly id: string };
        readonly check: { readonly phases: { readonly dnsMs: number } };
      };
    }
  | { readonly type: `system.${string}`; readonly data: { readonly since: string } };

/** The world outside of Stillup: targets by their host names, and receivers. */
export class Outside {
  /** By number: the number travels as `dnsMs` through everything that is kept of a check. */
  readonly probes: Probe[] = [];
  /** In the order of their ends. */
  readonly looks: Look[] = [];
  /** Of rounds that nobody has answered yet: the connectivity targets that were silent. */
  readonly #silent = new Map<string, Set<string>>();
  readonly #options: OutsideOptions;
  readonly #behaviours = new Map<string, Behaviour>();
  readonly #mischiefs = new Map<string, Mischief[]>();
  readonly #connectivityTargetsSilentUntil = controls.map(() => 0);

  constructor(options: OutsideOptions) {
    this.#options = options;
  }

  behaviourOf(url: string): Behaviour {
    return this.#behaviours.get(new URL(url).host) ?? "ok";
  }

  truthOf(url: string): "up" | "down" {
    return ["ok", "slow"].includes(this.behaviourOf(url)) ? "up" : "down";
  }

  behave(target: string, behaviour: Behaviour): void {
    this.#behaviours.set(target, behaviour);
  }

  /** The receiver's next webhooks meet these, in order. */
  misbehave(receiver: string, list: readonly Mischief[]): void {
    this.#mischiefs.set(receiver, [...(this.#mischiefs.get(receiver) ?? []), ...list]);
  }

  /** One connectivity target answers nobody for a while. */
  silence(control: number, ms: number): void {
    this.#connectivityTargetsSilentUntil[control] = this.#options.timeline.now + ms;
  }

  heal(): void {
    this.#mischiefs.clear();
    this.#connectivityTargetsSilentUntil.fill(0);
  }

  /** The Http port of one process. */
  httpOf(host: Host): Http {
    return { call: (call) => this.#call(host, call) };
  }

  #call(host: Host, call: HttpCall): Promise<HttpAnswer> {
    if (call.headers?.["webhook-id"] !== undefined) return this.#webhook(host, call);
    return controls.includes(call.url) ? this.#control(host, call) : this.#check(host, call);
  }

  async #webhook(host: Host, call: HttpCall): Promise<HttpAnswer> {
    let post: Post | undefined;
    const id = call.headers?.["webhook-id"] ?? "";
    const lease = this.#options.ledger.takeLease(host, id);
    if (call.beginWithinMs !== undefined && call.beginWithinMs <= 0) return failure("aborted");
    const excuse = () => {
      if (post !== undefined) post.excused = true;
    };
    const ended = await this.#trip(host, call, {
      point: "webhook",
      unheard: excuse,
      carryOut: () => {
        const met = this.#receive(call, { host, id, lease });
        post = met.post;
        return met.answer;
      },
    });
    if (!ended.ok && ended.failure === "aborted") excuse();
    return ended;
  }

  async #control(host: Host, call: HttpCall): Promise<HttpAnswer> {
    const { timeline, random } = this.#options;
    const calledAtMs = timeline.now;
    const carryOut = () => {
      const silentUntil = this.#connectivityTargetsSilentUntil[controls.indexOf(call.url)] ?? 0;
      if (timeline.now < silentUntil) return this.#after(call.timeoutMs, failure("timeout"));
      return this.#after(random() * 20, answer(204));
    };
    const ended = await this.#trip(host, call, { point: "control", carryOut });
    if (ended.ok) this.#noteLook(host, true, calledAtMs);
    else if (ended.failure !== "aborted") {
      const round = `${host.name} ${calledAtMs}`; // its calls are made in the same moment
      const silent = (this.#silent.get(round) ?? new Set()).add(call.url);
      this.#silent.set(round, silent);
      if (silent.size === controls.length) this.#noteLook(host, false, calledAtMs);
    }
    return ended;
  }

  #noteLook(host: Host, saw: boolean, calledAtMs: number): void {
    const before = this.looks.findLast((look) => look.host === host);
    const sinceMs = !saw && before?.saw === false ? before.sinceMs : calledAtMs;
    this.looks.push({ host, saw, sinceMs, atMs: this.#options.timeline.now });
  }

  async #check(host: Host, call: HttpCall): Promise<HttpAnswer> {
    const { timeline } = this.#options;
    const calledAtMs = timeline.now;
    let probe: Probe | undefined;
    const meet = (behaviour: Behaviour): Probe => {
      const met = { url: call.url, calledAtMs, behaviour, host, outcome: null, learnedAtMs: calledAtMs };
      this.probes.push(met);
      return met;
    };
    const carryOut = () => {
      probe = meet(this.behaviourOf(call.url));
      return this.#probe(call);
    };
    const ended = await this.#trip(host, call, { point: "probe", carryOut });
    probe ??= meet("timeout"); // it got nowhere, and found what it found all the same
    probe.outcome = outcomeOf(ended);
    probe.learnedAtMs = timeline.now;
    const phases = { ...ended.phases, dnsMs: this.probes.indexOf(probe) };
    return { ...ended, totalMs: timeline.now - calledAtMs, phases };
  }

  #trip(
    host: Host,
    { timeoutMs, signal }: HttpCall,
    trip: Pick<Trip<HttpAnswer>, "point" | "carryOut" | "unheard">,
  ): Promise<HttpAnswer> {
    const { network, timeline, random } = this.#options;
    const isSilent = random() < 0.5;
    const answered = network.trip<HttpAnswer>(host, {
      ...trip,
      blocks: true,
      lost: () => failure("timeout"),
      lostAfterMs: timeoutMs,
      carryOut: () => {
        if (!host.isCut(timeline.now)) return trip.carryOut();
        return isSilent ? this.#after(timeoutMs, failure("timeout")) : this.#after(5, failure("connect"));
      },
    });
    return untilAborted(answered, signal);
  }

  #probe({ url, timeoutMs }: HttpCall): Promise<HttpAnswer> {
    const { random } = this.#options;
    switch (this.behaviourOf(url)) {
      case "error":
        return this.#after(random() * 30, answer(503));
      case "refused":
        return this.#after(random() * 5, failure("connect"));
      case "timeout":
        return this.#after(timeoutMs, failure("timeout"));
      case "slow":
        return this.#after(timeoutMs * (0.2 + 0.6 * random()), answer(200));
      default:
        return this.#after(random() * 30, answer(200));
    }
  }

  #receive(call: HttpCall, sent: Pick<Post, "host" | "id" | "lease">): { answer: Promise<HttpAnswer>; post: Post } {
    const { timeline, random, faults, ledger } = this.#options;
    const mischief = this.#mischiefs.get(new URL(call.url).host)?.shift();
    if (mischief !== undefined) faults.count(kinds[mischief]);
    const body = JSON.parse(call.body ?? "") as Body;
    const post = ledger.add({
      ...sent,
      channelUrl: call.url,
      ...subjectOf(body),
      atMs: timeline.now,
      taken: mischief === undefined || mischief === "slow" || mischief === "took it",
      gone: mischief === "410",
    });
    if (mischief === "took it") post.excused = true;
    switch (mischief) {
      case undefined:
        return { post, answer: this.#after(random() * 30, answer(204)) };
      case "slow":
        return { post, answer: this.#after(3000 + 11_000 * random(), answer(200)) };
      case "timeout":
      case "took it":
        return { post, answer: this.#after(call.timeoutMs, failure("timeout")) };
      case "429":
        return { post, answer: this.#after(5, answer(429, { "retry-after": "7" })) };
      default:
        return { post, answer: this.#after(5, answer(Number(mischief))) };
    }
  }

  #after(ms: number, what: HttpAnswer): Promise<HttpAnswer> {
    return new Promise((resolve) => {
      this.#options.timeline.schedule(ms, null, () => resolve(what));
    });
  }
}

const noPhases = { dnsMs: null, connectMs: 1, tlsMs: null, firstByteMs: null, bodyMs: null };

function answer(statusCode: number, headers: Readonly<Record<string, string>> = {}): HttpAnswer {
  return { ok: true, statusCode, headers, body: "", truncated: false, totalMs: 0, phases: noPhases };
}

function failure(kind: HttpFailure): HttpAnswer {
  const detail = `It was simulated: ${kind}.`;
  return { ok: false, failure: kind, code: "SIMULATED", detail, statusCode: null, totalMs: 0, phases: noPhases };
}

function subjectOf({ type, data }: Body): Pick<Post, "monitorId" | "event"> {
  if ("since" in data) return { monitorId: "system", event: `${type} ${data.since}` };
  return { monitorId: data.monitor.id, event: `${type} ${data.check.phases.dnsMs}` };
}

function outcomeOf(answer: HttpAnswer): Probe["outcome"] {
  if (answer.ok) return answer.statusCode === 200 ? "ok" : "status";
  return answer.failure === "timeout" || answer.failure === "connect" ? answer.failure : null;
}

/** As soon as the signal aborts, the caller knows nothing of the other side. */
function untilAborted(answer: Promise<HttpAnswer>, signal: AbortSignal | undefined): Promise<HttpAnswer> {
  if (signal === undefined) return answer;
  if (signal.aborted) return Promise.resolve(failure("aborted"));
  return new Promise((resolve) => {
    const stop = () => resolve(failure("aborted"));
    signal.addEventListener("abort", stop, { once: true });
    void answer.then((value) => {
      signal.removeEventListener("abort", stop);
      resolve(value);
    });
  });
}

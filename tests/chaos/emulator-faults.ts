import { setTimeout as delay } from "node:timers/promises";
import { cutOff, frozen, killed, restarted } from "./container-faults.ts";
import { type FaultKind, meanwhile, type World } from "./fault-kind.ts";
import type { BreaksRecording } from "./story.ts";

type Emulator = keyof World["controls"];
type Faults = Readonly<Record<string, unknown>>;

/** Faults of the two emulators: of their containers, and those that they play. */
export function emulatorKinds(): FaultKind[] {
  const recording = { breaksRecording: "throughout" } as const;
  const containers = [
    killed("neon", { weight: 1.5, holdMs: [200, 3000], ...recording }),
    restarted("neon", { weight: 0.5, holdMs: [0, 0], ...recording }),
    frozen("neon", { weight: 1, holdMs: [500, 5000], ...recording }),
    cutOff("neon", { weight: 1, holdMs: [500, 5000], ...recording }),
    killed("upstash", { weight: 1.5, holdMs: [200, 3000] }),
    restarted("upstash", { weight: 0.5, holdMs: [0, 0] }),
    frozen("upstash", { weight: 1, holdMs: [500, 5000] }),
    cutOff("upstash", { weight: 1, holdMs: [500, 5000] }),
  ];
  return [
    ...containers,
    played("neon", "answers 500", { weight: 3, ...recording, set: answering(500), left: timesLeft }),
    played("neon", "replies lost", { weight: 4, ...recording, set: losing, left: ({ dropReplies }) => dropReplies }),
    played("neon", "asleep", {
      weight: 2,
      ...recording,
      set: (roll) => ({ sleep: { wakeMs: 1500, refuses: roll < 0.5 } }),
      left: ({ sleep }) => sleep,
    }),
    played("upstash", "answers 500", { weight: 3, set: answering(500), left: timesLeft }),
    played("upstash", "answers 429", { weight: 1, set: answering(429), left: timesLeft }),
    played("upstash", "replies lost", { weight: 4, set: losing, left: ({ dropReplies }) => dropReplies }),
    {
      name: "upstash deaf",
      weight: 1,
      parts: ["upstash"],
      holdMs: [3000, 15_000],
      breaksRecording: "never",
      async inject({ controls }, { holdMs }) {
        await call(controls.upstash, { deaf: true });
        await meanwhile(
          () => delay(holdMs),
          () => call(controls.upstash, { deaf: false }),
        );
        return 1;
      },
    },
    {
      name: "upstash cuts subscriptions",
      weight: 2,
      parts: ["upstash"],
      holdMs: [0, 0],
      breaksRecording: "never",
      async inject({ controls }) {
        await call(`${controls.upstash}/cut`, {});
        return 1;
      },
    },
  ];
}

/** What sets a fault back. */
const NONE: Faults = { answer: null, dropReplies: 0 };

const answering = (status: number) => (roll: number) => ({ answer: { status, times: some(roll) } });
const losing = (roll: number) => ({ dropReplies: some(roll) });
const timesLeft = ({ answer }: Faults) => (answer as { times: number } | null)?.times;
const some = (roll: number) => 1 + Math.floor(roll * 6);

interface Play {
  readonly weight: number;
  readonly breaksRecording?: BreaksRecording;
  set(roll: number): Faults;
  /** What is left of the fault; the same as at its beginning when nothing has met it. */
  left(faults: Faults): unknown;
}

/** A fault that the emulator plays to the requests that come; it counts when one met it. */
function played(emulator: Emulator, what: string, { weight, breaksRecording = "never", set, left }: Play): FaultKind {
  return {
    name: `${emulator} ${what}`,
    weight,
    parts: [emulator],
    holdMs: [3000, 5000],
    breaksRecording,
    async inject({ controls }, { holdMs, roll }) {
      const url = controls[emulator];
      const count = async () => {
        const { faults } = (await (await call(url)).json()) as { faults: Faults };
        return JSON.stringify(left(faults));
      };
      await call(url, set(roll));
      const before = JSON.stringify(left(set(roll)));
      const after = await meanwhile(
        () => delay(holdMs).then(count),
        () => call(url, emulator === "neon" ? { ...NONE, sleep: null } : NONE),
      );
      return after === before ? 0 : 1;
    },
  };
}

/** Asks a control for its faults, or sets some. */
async function call(url: string, faults?: Faults): Promise<Response> {
  const posted = faults === undefined ? {} : { method: "POST", body: JSON.stringify(faults) };
  const answer = await fetch(url, { ...posted, signal: AbortSignal.timeout(10_000) });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return answer;
}

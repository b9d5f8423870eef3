import { sleep } from "../../runtime/sleep.ts";
import { errorBody, NeonRefusal } from "./neon-answer.ts";

/** How the emulator misbehaves. All may be changed while it runs. */
export interface NeonFaults {
  /** Waited before each request. */
  latencyMs: number;
  /** Given to requests instead of carrying them out, so many times or, with null, until it is changed. */
  answer: {
    readonly status: number;
    readonly body?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly times: number | null;
  } | null;
  /** So many replies are cut off after the commit. */
  dropReplies: number;
  /** The database sleeps. The first request wakes it; until then requests and connections are held up or refused. */
  sleep: { readonly wakeMs: number; readonly refuses: boolean } | null;
  /** The certificate shown ended yesterday. */
  expiredCertificate: boolean;
}

const noFaults: NeonFaults = {
  latencyMs: 0,
  answer: null,
  dropReplies: 0,
  sleep: null,
  expiredCertificate: false,
};

export interface PrescribedAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Plays the faults. */
export interface NeonFaultPlayer {
  readonly current: Readonly<NeonFaults>;
  set(faults: Partial<NeonFaults>): void;
  reset(): void;
  /** Waits as told. False when `signal` aborted meanwhile. @throws NeonRefusal while the database wakes, if it refuses. */
  untilAwake(signal: AbortSignal): Promise<boolean>;
  /** What to answer instead of carrying out the next request. */
  takeAnswer(): PrescribedAnswer | null;
  takeDroppedReply(): boolean;
}

export function createNeonFaults(): NeonFaultPlayer {
  const current = { ...noFaults };
  let wakesAt: number | null = null;
  const set = (faults: Partial<NeonFaults>) => {
    Object.assign(current, faults);
    if (faults.sleep !== undefined) wakesAt = null;
  };
  return {
    current,
    set,
    reset: () => set(noFaults),
    async untilAwake(signal) {
      if (current.sleep !== null) {
        wakesAt ??= performance.now() + current.sleep.wakeMs;
        const leftMs = wakesAt - performance.now();
        if (leftMs > 0 && current.sleep.refuses) throw new NeonRefusal(500, "Control plane request failed");
        if (!(await sleep(leftMs, signal))) return false;
        current.sleep = null;
        wakesAt = null;
      }
      return sleep(current.latencyMs, signal);
    },
    takeAnswer() {
      const { answer } = current;
      if (answer === null || answer.times === 0) return null;
      if (answer.times !== null) current.answer = { ...answer, times: answer.times - 1 };
      const { status, body = errorBody(`answered with ${status} as told`), headers = {} } = answer;
      return { status, body, headers };
    },
    takeDroppedReply() {
      if (current.dropReplies === 0) return false;
      current.dropReplies -= 1;
      return true;
    },
  };
}

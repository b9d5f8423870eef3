import { sleep } from "../../runtime/sleep.ts";
import { errorBody, NeonRefusal } from "./neon-error.ts";

/** The faults of Neon's emulator. They may change while it runs. */
export interface NeonFaults {
  /** The delay before each request. */
  latencyMs: number;
  /** Answered to requests that are then not carried out. `times` counts the requests; null means until it is changed. */
  answer: {
    readonly status: number;
    readonly body?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly times: number | null;
  } | null;
  /** How many of the next replies are lost after the commit. */
  dropReplies: number;
  /** The database is suspended. The first request wakes it. Until then requests and connections wait or are refused. */
  sleep: { readonly wakeMs: number; readonly refuses: boolean } | null;
  /** The certificate expired yesterday. */
  expiredCertificate: boolean;
}

const noFaults: NeonFaults = {
  latencyMs: 0,
  answer: null,
  dropReplies: 0,
  sleep: null,
  expiredCertificate: false,
};

/** An answer that the faults prescribe. */
export interface PrescribedAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Keeps the faults and applies them. */
export interface NeonFaultPlayer {
  readonly current: Readonly<NeonFaults>;
  set(faults: Partial<NeonFaults>): void;
  reset(): void;
  /** Waits as the faults say. False when `signal` aborts. @throws NeonRefusal when a waking database refuses. */
  untilAwake(signal: AbortSignal): Promise<boolean>;
  /** The answer to the next request when it is not carried out, else null. */
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
      const { status, body = errorBody(`the emulator was set to answer ${status}`), headers = {} } = answer;
      return { status, body, headers };
    },
    takeDroppedReply() {
      if (current.dropReplies === 0) return false;
      current.dropReplies -= 1;
      return true;
    },
  };
}

/** The faults of Upstash's emulator. They may change while it runs. */
export interface UpstashFaults {
  /** The round trip: half of it before a request is carried out, half before an answer or an event is sent. */
  latencyMs: number;
  /** Answered to requests that are then not carried out. `times` counts the requests; null means until it is changed. */
  answer: { readonly status: number; readonly error?: string; readonly times: number | null } | null;
  /** How many of the next requests are carried out and then lose their connection before the reply. */
  dropReplies: number;
  /** `answer` and `dropReplies` apply only to requests whose path or body contains this, in any case. "" means all. */
  only: string;
  /** Subscriptions stay open and receive nothing. */
  deaf: boolean;
  /** The certificate expired yesterday. */
  expiredCertificate: boolean;
}

const noFaults: UpstashFaults = {
  latencyMs: 0,
  answer: null,
  dropReplies: 0,
  only: "",
  deaf: false,
  expiredCertificate: false,
};

/** Keeps the faults and applies them. */
export interface UpstashFaultPlayer {
  readonly current: Readonly<UpstashFaults>;
  set(faults: Partial<UpstashFaults>): void;
  reset(): void;
  /** The answer to this request when it is not carried out, else null. */
  takeAnswer(request: string): { readonly status: number; readonly error?: string } | null;
  takeDroppedReply(request: string): boolean;
}

export function createUpstashFaults(): UpstashFaultPlayer {
  const current = { ...noFaults };
  const isMeant = (request: string) => request.toLowerCase().includes(current.only.toLowerCase());
  return {
    current,
    set(faults) {
      Object.assign(current, faults);
    },
    reset() {
      Object.assign(current, noFaults);
    },
    takeAnswer(request) {
      const { answer } = current;
      if (answer === null || answer.times === 0 || !isMeant(request)) return null;
      if (answer.times !== null) current.answer = { ...answer, times: answer.times - 1 };
      return answer;
    },
    takeDroppedReply(request) {
      if (current.dropReplies === 0 || !isMeant(request)) return false;
      current.dropReplies -= 1;
      return true;
    },
  };
}

/** How the emulator misbehaves. All may be changed while it runs. */
export interface UpstashFaults {
  /** A round trip: half of it before a request is carried out, half before the answer or an event goes out. */
  latencyMs: number;
  /** Given to requests instead of carrying them out, so many times or, with null, until it is changed. */
  answer: { readonly status: number; readonly error?: string; readonly times: number | null } | null;
  /** So many replies are lost: carried out, then the connection is cut. */
  dropReplies: number;
  /** Only requests whose path or body holds this are answered so or lose their reply; any case; "" for all. */
  only: string;
  /** Subscriptions stay open and hear nothing. */
  deaf: boolean;
  /** The certificate shown ended yesterday. */
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

/** Plays the faults. */
export interface UpstashFaultPlayer {
  readonly current: Readonly<UpstashFaults>;
  set(faults: Partial<UpstashFaults>): void;
  reset(): void;
  /** What to answer this request with instead of carrying it out. */
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

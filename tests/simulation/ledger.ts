import type { Host } from "./host.ts";

/** A delivery's lease as its process heard of it. */
export interface Lease {
  /** The try's number. */
  readonly attempt: string;
  readonly atMs: number;
}

/** A webhook as its receiver got it. */
export interface Post {
  readonly id: string;
  readonly channelUrl: string;
  /** `system` where it is about Stillup itself. */
  readonly monitorId: string;
  /** Names the event: its type, and the probe that confirmed it or since when Stillup was offline. */
  readonly event: string;
  readonly atMs: number;
  /** The receiver took it: 2xx. */
  readonly taken: boolean;
  /** It answered that it will never take anything again: 410. */
  readonly gone: boolean;
  readonly host: Host;
  /** What it was sent on; null: it must not have been. */
  readonly lease: Lease | null;
  /** Its recording was carried out. */
  recorded: boolean;
  /** A fault came between the receiver's answer and its recording: one more is allowed. */
  excused: boolean;
}

/** What receivers got, and which of it may come once more. */
export class Ledger {
  readonly posts: Post[] = [];
  /** Of deliveries that a process has not sent yet, by both: the oldest first. */
  readonly #leases = new Map<string, Lease[]>();

  noteLeased(host: Host, id: string, lease: Lease): void {
    const key = `${host.name} ${id}`;
    this.#leases.set(key, [...(this.#leases.get(key) ?? []), lease]);
  }

  /** The lease that a process sends a delivery on; null when it has none. */
  takeLease(host: Host, id: string): Lease | null {
    return this.#leases.get(`${host.name} ${id}`)?.shift() ?? null;
  }

  add(post: Omit<Post, "recorded" | "excused">): Post {
    const { host, lease } = post;
    // One that was frozen since it leased this may send what somebody else has sent meanwhile.
    const added = {
      ...post,
      recorded: false,
      excused: lease !== null && (host.frozenUntil > lease.atMs || !host.alive),
    };
    this.posts.push(added);
    return added;
  }

  /** A statement that records a try was carried out. */
  noteRecorded(host: Host, values: readonly (string | null)[]): void {
    for (const post of this.#unrecorded(host)) if (isOf(values, post)) post.recorded = true;
  }

  /** One was not. */
  noteUnrecorded(host: Host, values: readonly (string | null)[]): void {
    for (const post of this.#unrecorded(host)) if (isOf(values, post)) post.excused = true;
  }

  /** The process can record nothing now. */
  excuse(host: Host): void {
    for (const post of this.#unrecorded(host)) post.excused = true;
  }

  #unrecorded(host: Host): Post[] {
    return this.posts.filter((post) => post.host === host && !post.recorded);
  }
}

function isOf(values: readonly (string | null)[], { id, lease }: Post): boolean {
  return lease !== null && values.includes(id) && values.includes(lease.attempt);
}

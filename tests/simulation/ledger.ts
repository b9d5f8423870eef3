import type { Host } from "./host.ts";

/** A webhook as its receiver got it. */
export interface Post {
  readonly id: string;
  readonly channelUrl: string;
  /** `system` where it is about Stillup itself. */
  readonly monitorId: string;
  /** Names the event: its type, and the probe that confirmed it or since when Stillup was blind. */
  readonly event: string;
  readonly atMs: number;
  /** The receiver took it: 2xx. */
  readonly taken: boolean;
  readonly host: Host;
  /** Its recording was carried out. */
  recorded: boolean;
  /** A fault came between the receiver's answer and its recording: one more is allowed. */
  excused: boolean;
}

/** A process that was frozen for longer than a lease may send what somebody else has sent meanwhile. */
const STALE_MS = 20_000;

/** What receivers got, and which of it may come once more. */
export class Ledger {
  readonly posts: Post[] = [];

  add(post: Omit<Post, "recorded" | "excused">): Post {
    const isStale = post.host.frozenUntil > 0 && post.atMs - post.host.frozenUntil < STALE_MS;
    const added = { ...post, recorded: false, excused: isStale || !post.host.alive };
    this.posts.push(added);
    return added;
  }

  /** A statement that records tries was carried out. */
  noteRecorded(host: Host, values: readonly (string | null)[]): void {
    for (const post of this.#unrecorded(host)) if (values.includes(post.id)) post.recorded = true;
  }

  /** One was not. */
  noteUnrecorded(host: Host, values: readonly (string | null)[]): void {
    for (const post of this.#unrecorded(host)) if (values.includes(post.id)) post.excused = true;
  }

  /** The process can record nothing now. */
  excuse(host: Host): void {
    for (const post of this.#unrecorded(host)) post.excused = true;
  }

  #unrecorded(host: Host): Post[] {
    return this.posts.filter((post) => post.host === host && !post.recorded);
  }
}

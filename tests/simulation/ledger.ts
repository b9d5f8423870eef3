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

/** What receivers got, and which of it may come once more. */
export class Ledger {
  readonly posts: Post[] = [];
  /** When a process leased a delivery that it has not sent yet, by both: the oldest first. */
  readonly #leasedAtMs = new Map<string, number[]>();

  add(post: Omit<Post, "recorded" | "excused">): Post {
    const { host, id } = post;
    // One that was frozen since it leased this may send what somebody else has sent meanwhile.
    const isStale = host.frozenUntil > (this.#leasedAtMs.get(`${host.name} ${id}`)?.shift() ?? 0);
    const added = { ...post, recorded: false, excused: isStale || !host.alive };
    this.posts.push(added);
    return added;
  }

  noteLeased(host: Host, ids: readonly unknown[], atMs: number): void {
    for (const id of ids) {
      const key = `${host.name} ${id}`;
      this.#leasedAtMs.set(key, [...(this.#leasedAtMs.get(key) ?? []), atMs]);
    }
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

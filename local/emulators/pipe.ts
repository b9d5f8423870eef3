import type { Socket } from "node:net";

/** Forwards what each socket receives to the other. When one closes, the other closes too. */
export function pipeBothWays(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on("error", () => to.destroy()).on("close", () => to.destroy());
    from.pipe(to);
  }
}

/** Chance that comes the same again from the same seed. */
export interface Random {
  /** From 0 up to 1, 1 left out. */
  next(): number;
  between(least: number, most: number): number;
  /** One of these, each as likely as its weight says. Throws when there is none. */
  weighted<T extends { readonly weight: number }>(list: readonly T[]): T;
}

/** A Weyl sequence through an integer hash: 32 bits of state, which is plenty for choosing faults. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    between: (least, most) => least + (most - least) * next(),
    weighted(list) {
      let left = next() * list.reduce((sum, { weight }) => sum + weight, 0);
      for (const item of list) {
        left -= item.weight;
        if (left < 0) return item;
      }
      throw new Error("There is nothing to choose from");
    },
  };
}

/** What must hold at the end of every run. */
export const invariants = [
  "A status is what its stored results make it",
  "A result of what is not checked any more is not stored",
  "A result counts once",
  "A stored result is what the target answered, dated when it did",
  "What cannot be seen is not told to be down",
  "Each loss and return of connectivity is one change, told once",
  "Each incident agrees with the changes it is about",
  "Every confirmed change is told on every channel that it is for",
  "Nothing is told that did not happen, or that nobody is to hear",
  "A monitor's events come to a channel in their order",
  "An event has one webhook-id, and no two have the same",
  "What is sent is leased",
  "An alert comes twice only where a fault came between its answer and its recording",
  "Nothing is left to be handled, delivered or acked",
  "Monitors end up as their targets are",
  "Only what cannot be read is dead-lettered, and nothing of it is lost",
  "A channel is closed by people alone, or when its receiver is gone",
  "A write that the database took is not refused",
  "Nothing fails that no fault excuses",
] as const;
export type Invariant = (typeof invariants)[number];

export interface Violation {
  readonly invariant: Invariant;
  readonly what: string;
}

export function violation(invariant: Invariant, what: string): Violation {
  return { invariant, what };
}

/** Hundredths of a millisecond: more is noise, and it is stored with every check. */
export function roundMs(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}

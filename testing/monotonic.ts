/** Milliseconds by the machine's monotonic clock, which all its processes share: it began with the machine. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

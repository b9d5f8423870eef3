import { readFile } from "node:fs/promises";

/** Linux counts processor time in hundredths of a second, whatever the machine. */
const MS_PER_TICK = 10;

/** Processor time of a process with all its threads since its start, in milliseconds. Needs Linux. */
export async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // The name stands in parentheses and may hold spaces; the state, field 3, comes after it. 14 and 15 are what is wanted.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

/** Memory that a process holds, in MB. */
export async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}

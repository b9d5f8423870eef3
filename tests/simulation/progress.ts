const LINE_EVERY_MS = 10_000;
const DRAW_EVERY_MS = 200;
const WIDTH = 30;

/** Shows how far it is, on stderr: a bar on a terminal, a line every 10 s elsewhere. */
export interface Progress {
  show(done: number, faults: number): void;
  end(): void;
}

export function createProgress(total: number): Progress {
  const startedAt = performance.now();
  const isTerminal = process.stderr.isTTY;
  let shownAt = startedAt;

  const text = (done: number, faults: number) => {
    const seconds = (performance.now() - startedAt) / 1000;
    const left = done === 0 ? "?" : clock((seconds / done) * (total - done));
    return `${done}/${total} runs, ${faults.toLocaleString("en")} faults, ${clock(seconds)} gone, ${left} left`;
  };
  return {
    show(done, faults) {
      if (performance.now() - shownAt < (isTerminal ? DRAW_EVERY_MS : LINE_EVERY_MS)) return;
      shownAt = performance.now();
      const filled = Math.round((WIDTH * done) / total);
      const bar = `[${"#".repeat(filled)}${"-".repeat(WIDTH - filled)}]`;
      process.stderr.write(isTerminal ? `\r${bar} ${text(done, faults)}\u001b[K` : `${text(done, faults)}\n`);
    },
    end() {
      if (isTerminal) process.stderr.write("\r\u001b[K");
    },
  };
}

/** Minutes and seconds. */
function clock(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}

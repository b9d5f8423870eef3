import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startOneProcess } from "../../testing/stillup.ts";
import { loadSuite } from "./suite.ts";

loadSuite("in one process", {
  intervalSeconds: 20,
  async start(dist) {
    const folder = await mkdtemp(join(tmpdir(), "stillup-load-"));
    const remove = () => rm(folder, { recursive: true });
    try {
      const stillup = await startOneProcess(dist, folder);
      return { api: stillup.api, stop: () => stillup.stop().finally(remove) };
    } catch (error) {
      await remove();
      throw error;
    }
  },
});

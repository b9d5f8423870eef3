import { conformance } from "./cases.ts";
import { startLocally } from "./support/hosts.ts";

conformance("Processes", { start: startLocally, ticks: false, queues: [] });

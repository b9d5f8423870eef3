import { conformance } from "./cases.ts";
import { startOnFetch } from "./support/hosts.ts";

conformance("A fetch handler", { start: startOnFetch, ticks: true, queues: [] });

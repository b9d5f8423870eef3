import { conformance } from "./cases.ts";
import { startOnCloudflare } from "./support/hosts.ts";

conformance("Cloudflare Workers", { start: startOnCloudflare, ticks: true, queues: ["standard"] });

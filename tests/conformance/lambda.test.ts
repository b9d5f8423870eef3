import { conformance } from "./cases.ts";
import { startOnLambda } from "./support/hosts.ts";

conformance("AWS Lambda", { start: startOnLambda, ticks: true, queues: ["standard", "fifo"] });

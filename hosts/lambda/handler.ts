import type { Variables } from "../../runtime/config/config.ts";
import { type Artefact, workOf } from "../shared/artefact.ts";
import { once, openBindings } from "../shared/call.ts";
import type { Answering, HttpEvent, HttpResult } from "./http.ts";
import { consumeRecords, type QueueEvent, type QueueResult } from "./queue.ts";

/** What of Lambda's context is used. */
interface LambdaContext {
  readonly awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

interface TickEvent {
  readonly "detail-type": "Scheduled Event";
}

type LambdaEvent = HttpEvent | QueueEvent | TickEvent;

interface LambdaArtefact extends Artefact {
  /** Null where there are no routes: what runs on ticks and messages alone is built without, 4 KB less. */
  readonly answering: Answering | null;
}

/** A Lambda function's handler: of an HTTP API's or a function URL's requests, of SQS' messages, of a schedule's ticks. */
export function lambdaHandler(artefact: LambdaArtefact, variables: Variables) {
  const open = once(() => openBindings("lambda", artefact, variables));
  const answer = artefact.answering?.(artefact.routes, open) ?? refuse;
  return async (event: LambdaEvent, context: LambdaContext): Promise<HttpResult | QueueResult | undefined> => {
    const deadline = Date.now() + context.getRemainingTimeInMillis();
    if ("requestContext" in event) return answer(event, { requestId: context.awsRequestId, deadline });
    if ("Records" in event) return consumeRecords(event, { artefact, bindings: open(), deadline });
    if (event["detail-type"] !== "Scheduled Event") {
      throw new Error("This is neither a request of an HTTP API, nor messages of SQS, nor a schedule's tick.");
    }
    await workOf(artefact).runTick(artefact, open(), deadline);
    return undefined;
  };
}

async function refuse(): Promise<never> {
  throw new Error("This artefact runs on ticks and messages alone: requests are for one that holds routes.");
}

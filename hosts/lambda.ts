import type { Variables } from "../runtime/config.ts";
import { requestIdOf } from "../runtime/request-id.ts";
import { createRouter } from "../runtime/router.ts";
import { within } from "../runtime/within.ts";
import { type Artefact, workOf } from "./artefact.ts";
import { answer, once, openBindings } from "./call.ts";
import { type HttpEvent, type HttpResult, toRequest, toResult } from "./lambda-http.ts";
import { consumeRecords, type QueueEvent, type QueueResult } from "./lambda-queue.ts";

/** What of Lambda's context is used. */
export interface LambdaContext {
  readonly awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

/** What is kept of the time to hand an answer over, whatever still goes on behind it. */
const TO_ANSWER_MS = 250;

interface TickEvent {
  readonly "detail-type": "Scheduled Event";
}

export type LambdaEvent = HttpEvent | QueueEvent | TickEvent;

/** A Lambda function's handler: of an HTTP API's or a function URL's requests, of SQS' messages, of a schedule's ticks. */
export function lambdaHandler(artefact: Artefact, variables: Variables) {
  const router = createRouter(artefact.routes);
  const open = once(() => openBindings("lambda", artefact, variables));
  return async (event: LambdaEvent, context: LambdaContext): Promise<HttpResult | QueueResult | undefined> => {
    const deadline = Date.now() + context.getRemainingTimeInMillis();
    if ("requestContext" in event) {
      const request = toRequest(event);
      const requestId = requestIdOf(request.headers.get("x-request-id"), () => context.awsRequestId);
      const { response, background } = await answer(request, { router, open, call: { requestId, deadline } });
      const result = await toResult(response);
      // Lambda holds the process still once it has the answer.
      await within(Math.max(0, deadline - TO_ANSWER_MS - Date.now()), background.idle());
      return result;
    }
    if ("Records" in event) return consumeRecords(event, { artefact, bindings: open(), deadline });
    if (event["detail-type"] !== "Scheduled Event") {
      throw new Error("This is neither a request of an HTTP API, nor messages of SQS, nor a schedule's tick.");
    }
    await workOf(artefact).runShift(artefact, open(), deadline);
    return undefined;
  };
}

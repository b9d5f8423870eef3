import type { Message } from "../../runtime/drivers/stream/stream.ts";
import { sleep } from "../../runtime/sleep.ts";
import { type Artefact, workOf } from "../shared/artefact.ts";
import type { HostBindings } from "../shared/bindings.ts";

interface QueueRecord {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: { readonly ApproximateReceiveCount: string; readonly SentTimestamp: string };
  /** `arn:aws:sqs:<region>:<account>:<queue>` */
  readonly eventSourceARN: string;
}

export interface QueueEvent {
  readonly Records: readonly QueueRecord[];
}

export interface QueueResult {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

interface RecordsOptions {
  readonly artefact: Artefact;
  readonly bindings: HostBindings;
  readonly deadline: number;
}

/** How long before the deadline calls are aborted, so that the messages they return are published in time. */
const TO_HAND_BACK_MS = 4000;

/** Messages of SQS, all of one queue. A message that is not named in the result is done. */
export async function consumeRecords({ Records: records }: QueueEvent, options: RecordsOptions): Promise<QueueResult> {
  const { artefact, bindings, deadline } = options;
  const queue = records[0]?.eventSourceARN.split(":").at(-1) ?? "";
  const [ending, ended] = [new AbortController(), new AbortController()];
  void sleep(deadline - TO_HAND_BACK_MS - Date.now(), ended.signal).then((isLate) => isLate && ending.abort());
  const queued = { queue, messages: records.map(toMessage), deadline, signal: ending.signal };
  const redelivered = await workOf(artefact)
    .consumeQueue(artefact, bindings, queued)
    .finally(() => ended.abort());
  return { batchItemFailures: [...redelivered.keys()].map((itemIdentifier) => ({ itemIdentifier })) };
}

function toMessage({ messageId, body, attributes }: QueueRecord): Message {
  const { ApproximateReceiveCount: attempts, SentTimestamp: timestamp } = attributes;
  return { id: messageId, body, attempts: Number(attempts), timestamp: Number(timestamp) };
}

/**
 * What operators look after:
 * - path: where the API has it
 * - filters: options that narrow lists and `retry --all` down, each with the API's name for it
 * - listed: options of lists alone, by the API's name too, each with what it may be and what it is when left out
 * - columns: title and field
 * - content: the field that is shown below the others
 * - missing: says that there is none of an id
 * - done: why a retry would change nothing of one, else null; not asked where it is not there
 * - drop: method by which one is dropped, and what follows its path
 */
export const things = {
  "dead-letters": {
    path: "/v1/dead-letters",
    filters: { stream: "stream" },
    listed: {},
    columns: [
      ["ID", "id"],
      ["SINCE", "createdAt"],
      ["STREAM", "stream"],
      ["TRIES", "attempts"],
      ["BYTES", "bodyBytes"],
      ["REASON", "reason"],
    ],
    content: "body",
    missing: (id) => `${id} is not a dead letter, or not any more.`,
    drop: ["DELETE", ""],
  },
  deliveries: {
    path: "/v1/deliveries",
    filters: { channel: "channelId", monitor: "monitorId" },
    listed: { status: { values: ["pending", "delivered", "exhausted", "cancelled", "any"], fallback: "exhausted" } },
    columns: [
      ["ID", "id"],
      ["STATUS", "status"],
      ["SINCE", "createdAt"],
      ["TYPE", "type"],
      ["TRIES", "attempts"],
      ["MONITOR", "monitorId"],
      ["CHANNEL", "channelId"],
      ["REASON", "lastError"],
    ],
    content: "data",
    missing: (id) => `There is no delivery ${id}.`,
    done({ status, nextAttemptAt }) {
      if (status === "delivered") return "already delivered";
      return status === "pending" ? `still pending, next try at ${nextAttemptAt}` : null;
    },
    drop: ["POST", "/cancel"],
  },
};

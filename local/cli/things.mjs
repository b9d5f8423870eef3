/**
 * What operators look after:
 * - path: where the API has it
 * - filters: options that narrow lists and `retry --all` down, each with the API's name for it
 * - listed: options of lists alone, by the API's name too, each with what it is when left out
 * - columns: title and field
 * - content: the field that is shown below the others
 * - drop: method and path by which one is dropped
 */
export const things = {
  "set-apart": {
    path: "/v1/set-apart",
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
    drop: (id) => ["DELETE", `/v1/set-apart/${id}`],
  },
  deliveries: {
    path: "/v1/deliveries",
    filters: { channel: "channelId", monitor: "monitorId" },
    listed: { status: "exhausted" },
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
    drop: (id) => ["POST", `/v1/deliveries/${id}/cancel`],
  },
};

/**
 * @typedef {Readonly<Record<string, unknown>>} Item One of a resource, as the API shows it.
 *
 * @typedef {object} Resource
 * @property {string} path Where the API has it.
 * @property {Readonly<Record<string, string>>} filters Options that narrow lists and `retry --all` down, each with the
 *   API's name for it.
 * @property {Readonly<Record<string, { values: readonly string[], fallback: string }>>} listed Options of lists alone:
 *   their values, and the one when left out.
 * @property {readonly (readonly [title: string, field: string])[]} columns
 * @property {string} content The field that is shown below the others.
 * @property {(id: string) => string} missing Says that nothing has this id.
 * @property {(item: Item) => string | null} [done] Why a retry would change nothing; null when it would.
 * @property {readonly [method: string, after: string]} drop How one is dropped: the method, and what follows its path.
 */

/**
 * What operators look after.
 * @type {Readonly<Record<string, Resource>>}
 */
export const resources = {
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

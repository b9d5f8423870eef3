// The channel types, as routes know them: one line for each. Its sender is named in senders.ts.

export { webhook } from "./types/webhook/schema.ts";

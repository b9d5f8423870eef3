// The channel types, as what sends knows them: one line for each. Its schema is named in schemas.ts.

export { webhook } from "./types/webhook/sender.ts";

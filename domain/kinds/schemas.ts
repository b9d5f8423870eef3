// What can be monitored: one line a kind. Routes and the worker know kinds from here, through `find-kind.ts`.

export { http } from "./http/schema.ts";

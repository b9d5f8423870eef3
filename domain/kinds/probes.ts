// How it is checked: one line a kind. Only the worker knows it, through `find-probe.ts`: the build keeps it out of routes.

export { httpProbe } from "./http/probe.ts";

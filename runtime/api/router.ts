import type { Ctx, FetchFunction, Ports } from "../contract.ts";
import { callEnv, type HostEnv } from "../host-env.ts";
import { authorize } from "./authorize.ts";
import { isParameter, methodsFor, pathOf } from "./path.ts";
import { methodNotAllowed, notFound, respond } from "./problem.ts";
import type { Route } from "./route.ts";

export interface RouterEntry {
  readonly route: Pick<Route, "method" | "path" | "auth">;
  readonly ports?: Ports | undefined;
  readonly fn: FetchFunction;
}

export type Router = (request: Request, env: HostEnv, ctx: Ctx) => Promise<Response>;

interface Node {
  readonly fixed: Map<string, Node>;
  parameter: Node | null;
  readonly methods: Map<string, RouterEntry>;
  isPublic: boolean;
}

/**
 * Finds the function for a request. Paths are compared as they were sent, segment by segment; a fixed segment goes
 * before a parameter. Without a key even an unknown address is a 401, so that nobody can look around.
 */
export function createRouter(entries: readonly RouterEntry[]): Router {
  const root = createNode();
  for (const entry of entries) {
    const { route } = entry;
    const node = add(root, route.path);
    node.isPublic ||= route.auth === "none";
    for (const method of methodsFor(route.method)) {
      if (node.methods.has(method)) throw new Error(`Two functions answer ${method} ${route.path}`);
      node.methods.set(method, entry);
    }
  }
  return (request, hostEnv, ctx) => {
    const node = find(root, pathOf(request.url).split("/"), 1);
    const entry = node?.methods.get(request.method);
    const env = callEnv(hostEnv, { ports: entry?.ports, requestId: ctx.requestId });
    if (entry !== undefined) return entry.fn.fetch(request, env, ctx); // which checks the key itself
    return respond({ request, env, ctx }, async () => {
      if (!node?.isPublic) authorize(request, env.config.apiKey);
      throw node === null
        ? notFound("No route has this path. GET /openapi.json lists all routes.")
        : methodNotAllowed([...node.methods.keys()]);
    });
  };
}

function createNode(): Node {
  return { fixed: new Map(), parameter: null, methods: new Map(), isPublic: false };
}

function add(root: Node, path: string): Node {
  let node = root;
  for (const segment of path.split("/").slice(1)) {
    if (isParameter(segment)) {
      node.parameter ??= createNode();
      node = node.parameter;
    } else {
      const next = node.fixed.get(segment) ?? createNode();
      node.fixed.set(segment, next);
      node = next;
    }
  }
  return node;
}

function find(node: Node, segments: readonly string[], at: number): Node | null {
  const segment = segments[at];
  if (segment === undefined) return node.methods.size > 0 ? node : null;
  const fixed = node.fixed.get(segment);
  const found = fixed === undefined ? null : find(fixed, segments, at + 1);
  if (found !== null || node.parameter === null || segment === "") return found;
  return find(node.parameter, segments, at + 1);
}

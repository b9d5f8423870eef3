import { ID } from "./id.mjs";

/** The path of an absolute URL as it was sent: nothing is decoded, so that `%2f` and `%00` never become something else. */
export function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.slice(start).search(/[?#]/);
  return end === -1 ? url.slice(start) : url.slice(start, start + end);
}

/** The parameters of a path that fits the template, else null. */
export function matchPath(template: readonly string[], path: string): Record<string, string> | null {
  const segments = path.split("/");
  if (segments.length !== template.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of template.entries()) {
    const segment = segments[index] ?? "";
    if (!isParameter(part)) {
      if (segment !== part) return null;
    } else if (ID.test(segment)) {
      params[part.slice(1, -1)] = segment;
    } else {
      return null;
    }
  }
  return params;
}

export function isParameter(segment: string): boolean {
  return segment.startsWith("{");
}

/** The methods that a route of `method` takes: HEAD is GET without a body. */
export function methodsFor(method: string): string[] {
  return method === "GET" ? ["GET", "HEAD"] : [method];
}

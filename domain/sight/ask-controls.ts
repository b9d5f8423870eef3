import type { Http } from "../../runtime/http/http.ts";

/** A real alert waits for this at most. */
const PATIENCE_MS = 3000;

/**
 * Whether the world can be reached: true as soon as one control target answers anything at all, false when all were
 * silent for 3 s. One that the network policy forbids says nothing either way.
 */
export async function askControls(http: Http, urls: readonly string[]): Promise<boolean> {
  const enough = new AbortController();
  const asked = urls.map((url) => ask(http, url, enough.signal));
  const first = new Promise<true>((resolve) => {
    for (const each of asked)
      each.then(
        (found) => found === "answered" && resolve(true),
        () => {},
      );
  });
  const all = Promise.all(asked).then((found) => found.includes("answered") || !found.includes("silent"));
  try {
    return await Promise.race([first, all]);
  } finally {
    enough.abort();
  }
}

async function ask(http: Http, url: string, signal: AbortSignal): Promise<"answered" | "silent" | "unasked"> {
  const call = { method: "GET", url, timeoutMs: PATIENCE_MS, maxRedirects: 0, maxBodyBytes: 0, atOnce: true, signal };
  const answer = await http.call(call);
  if (answer.ok || answer.statusCode !== null) return "answered";
  return answer.failure === "blocked" || answer.failure === "aborted" ? "unasked" : "silent";
}

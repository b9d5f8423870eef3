import type { Http } from "../../runtime/drivers/http/http.ts";

/** A real alert waits for this at most. */
const PATIENCE_MS = 3000;

type TargetAnswer = "answered" | "silent" | "unasked";

/**
 * Whether the world can be reached: true as soon as one connectivity target answers anything at all, false when all were
 * silent for 3 s. One that the network policy forbids says nothing either way.
 */
export async function askTargets(http: Http, urls: readonly string[]): Promise<boolean> {
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

/** Asks again where this process stood still meanwhile: that is neither an answer nor none. */
async function ask(http: Http, url: string, signal: AbortSignal, times = 3): Promise<TargetAnswer> {
  const call = { method: "GET", url, timeoutMs: PATIENCE_MS, maxRedirects: 0, maxBodyBytes: 0, atOnce: true, signal };
  const answer = await http.call(call);
  if (answer.ok || answer.statusCode !== null) return "answered";
  if (answer.code === "HELD_UP") return times > 1 ? ask(http, url, signal, times - 1) : "silent";
  return answer.failure === "blocked" || answer.failure === "aborted" ? "unasked" : "silent";
}

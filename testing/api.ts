/** The API of a running Stillup, as its clients see it. */
export interface ApiClient {
  /** The answer's JSON, undefined when it has none. Throws what the problem says when the status is not 2xx. */
  call<T = unknown>(method: string, path: string, body?: unknown): Promise<T>;
}

export function apiClient(origin: string, apiKey: string): ApiClient {
  return {
    async call<T>(method: string, path: string, body?: unknown) {
      const answer = await fetch(origin + path, {
        method,
        headers: {
          authorization: `Bearer ${apiKey}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
      return (text === "" ? undefined : JSON.parse(text)) as T; // the caller's word for what the route answers
    },
  };
}

/** Carries out `act` for each item, some at a time; for a client that is to be brisk but not a flood. */
export async function eachOf<T>(items: readonly T[], act: (item: T) => Promise<unknown>, atOnce = 8): Promise<void> {
  const left = [...items];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await act(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/**
 * The URL that a text is, or null. Not asked of `URL.canParse`: once that has become hot, after some 4,000 calls, Node 20's
 * refuses every URL with a letter such as "ü" in it.
 */
export function parseUrl(text: string, base?: URL): URL | null {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
}

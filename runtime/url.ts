/**
 * Parses a URL; null when the text is not one. `URL.canParse` is not used: after some 4,000 calls Node 20 optimises it,
 * and it then refuses every URL with a letter such as "ü".
 */
export function parseUrl(text: string, base?: URL): URL | null {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
}

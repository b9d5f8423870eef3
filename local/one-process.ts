import { randomBytes } from "node:crypto";
import { chmod, link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isApiKey } from "../runtime/config/config.ts";
import { StillupError } from "../runtime/errors.ts";

/**
 * Makes the folder that the data is kept in, for its owner's eyes alone: PGlite's own files are open to everybody.
 * @throws StillupError `invalid_configuration` when there is something else at its place.
 */
export async function makeDataFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o700);
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code;
    throw new StillupError(
      "invalid_configuration",
      `Data cannot be stored in ${folder} (${why}). Choose another folder or change its permissions.`,
      { cause },
    );
  }
}

/**
 * The key that was made at the first start in this folder, or a new one, kept in `api-key` for the owner's eyes alone.
 * @throws StillupError `invalid_configuration` when what the file holds is no key.
 */
export async function keptApiKey(folder: string): Promise<string> {
  const path = join(folder, "api-key");
  // Whole or not at all, however many processes start at once.
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, `${randomBytes(24).toString("base64url")}\n`, { mode: 0o600 });
  await link(draft, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  await rm(draft);
  const key = (await readFile(path, "utf8").catch(() => "")).trim();
  if (isApiKey(key)) return key;
  throw new StillupError(
    "invalid_configuration",
    `${path} contains no valid API key. Delete the file; the next start writes a new one.`,
  );
}

/** What a person sees who starts it: where it is, the key (null: one of their own), and a first thing to try. */
export function welcome({ url, apiKey, colour }: { url: string; apiKey: string | null; colour: boolean }): string {
  const bold = (text: string) => (colour ? `\u001b[1m${text}\u001b[22m` : text);
  const address = url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
  return `
${bold("Stillup runs.")} Ctrl-C stops it; the next start goes on where it was.

  Address   ${bold(address)}
  API key   ${apiKey === null ? "as in API_KEY" : bold(apiKey)}

Watch something:

  curl -w '\\n' ${address}/v1/monitors \\
    -H ${apiKey === null ? '"authorization: Bearer $API_KEY"' : `'authorization: Bearer ${apiKey}'`} \\
    -H 'content-type: application/json' \\
    -d '{"name": "Example", "type": "http", "url": "https://example.com"}'
`;
}

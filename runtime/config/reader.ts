import { type FieldError, StillupError } from "../errors.ts";
import { parseUrl } from "../url.ts";

export type Variables = Readonly<Record<string, string | undefined>>;

export type ConfigReader = ReturnType<typeof createReader>;

/**
 * Reads single variables and remembers what was wrong with them; a bad one reads as its default meanwhile. An empty one
 * counts as unset.
 */
export function createReader(variables: Variables) {
  const errors: FieldError[] = [];
  const refuse = (field: string, message: string) => void errors.push({ field, message });
  const text = (name: string) => variables[name] || undefined;
  return {
    text,
    refuse,
    missing(name: string, remedy: string): string {
      refuse(name, `is not set. ${remedy}`);
      return "";
    },
    choice<const T extends string>(name: string, allowed: readonly T[], fallback: NoInfer<T>): T {
      const value = text(name)?.toLowerCase();
      if (value === undefined) return fallback;
      const found = allowed.find((word) => word.toLowerCase() === value);
      if (found === undefined) refuse(name, `must be one of ${allowed.join(", ")}.`);
      return found ?? fallback;
    },
    integer(name: string, { min, max, default: fallback }: { min: number; max: number; default: number }): number {
      const value = text(name);
      if (value === undefined) return fallback;
      const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
      if (number >= min && number <= max) return number;
      refuse(name, `must be a whole number from ${min} to ${max}.`);
      return fallback;
    },
    /** @throws StillupError `invalid_configuration` with all that was refused. */
    finish<T>(config: T): T {
      if (errors.length === 0) return config;
      const names = [...new Set(errors.map((error) => error.field))].join(", ");
      throw new StillupError("invalid_configuration", `Change these variables: ${names}`, { errors });
    },
  };
}

/** A URL of one of these protocols (`https:`) that names a host; null when `value` is none. */
export function parseUrlOf(value: string, protocols: readonly string[]): URL | null {
  const url = parseUrl(value);
  if (url === null || !protocols.includes(url.protocol) || url.hostname === "") return null;
  try {
    decodeURIComponent(url.username + url.password);
    return url;
  } catch {
    return null;
  }
}

/** The same for HTTP, with no credentials, query or fragment in it. */
export function parseBareHttpUrl(value: string): URL | null {
  const url = parseUrlOf(value, ["http:", "https:"]);
  return url === null || `${url.search}${url.hash}${url.username}${url.password}` !== "" ? null : url;
}

/** Empty when `url` is none. */
export function hostOf(url: string): string {
  return parseUrl(url)?.hostname.toLowerCase() ?? "";
}

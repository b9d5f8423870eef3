import { type ConfigReader, parseUrlOf } from "./reader.ts";

/**
 * A setting that the functions declare: the variable that it is read from, and what may be in it. It is data, so that
 * the manifest can contain it.
 * - `integer`: a whole number from `min` to `max`.
 * - `url`: an http or https URL without credentials; null when unset.
 * - `urls`: up to `max` of them, separated by commas; an empty list when unset.
 */
export type Setting =
  | {
      readonly variable: string;
      readonly type: "integer";
      readonly min: number;
      readonly max: number;
      readonly default: number;
    }
  | { readonly variable: string; readonly type: "url" }
  | { readonly variable: string; readonly type: "urls"; readonly max: number };

/** Settings by their names in `env.config`. */
export type Settings = Readonly<Record<string, Setting>>;

/** What functions find in `env.config` for these settings. */
export type SettingValues<S extends Settings> = { readonly [Name in keyof S]: ValueOf<S[Name]> };

type ValueOf<S extends Setting> = S extends { type: "integer" }
  ? number
  : S extends { type: "url" }
    ? string | null
    : readonly string[];

/** The values of these settings. A setting that is refused has its default meanwhile. */
export function readSettings(read: ConfigReader, settings: Settings): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(settings).map(([name, setting]) => [name, readSetting(read, setting)]));
}

function readSetting(read: ConfigReader, setting: Setting): ValueOf<Setting> {
  if (setting.type === "integer") return read.integer(setting.variable, setting);
  return setting.type === "url" ? readUrl(read, setting.variable) : readUrls(read, setting);
}

function readUrl(read: ConfigReader, variable: string): string | null {
  const url = read.text(variable);
  if (url === undefined || canBeCalled(url)) return url ?? null;
  read.refuse(variable, "must be an http or https URL without a user name and password.");
  return null;
}

function readUrls(read: ConfigReader, { variable, max }: { variable: string; max: number }): readonly string[] {
  const urls = (read.text(variable) ?? "").split(",").map((url) => url.trim());
  const given = urls.filter((url) => url !== "");
  if (given.length <= max && given.every(canBeCalled)) return given;
  read.refuse(variable, `must be at most ${max} http or https URLs without credentials, separated by commas.`);
  return [];
}

function canBeCalled(text: string): boolean {
  const url = parseUrlOf(text, ["http:", "https:"]);
  return url !== null && `${url.username}${url.password}` === "";
}

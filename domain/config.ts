import type { Settings, SettingValues } from "../runtime/config/settings.ts";

/** The settings that functions read, beside those of the runtime. The build puts them into the manifest. */
export const settings = {
  /** URLs that answer whenever this machine reaches the internet. Without any, it is assumed to reach it. */
  connectivityTargets: { variable: "CONNECTIVITY_TARGETS", type: "urls", max: 10 },
  /** Called once a minute while a canary passes every stream and worker in time. */
  watchdogUrl: { variable: "WATCHDOG_URL", type: "url" },
  /** Days for which single checks are kept. */
  rawCheckDays: { variable: "RAW_CHECK_DAYS", type: "integer", min: 1, max: 365, default: 7 },
} as const satisfies Settings;

/** What these settings are in `env.config`. */
export type DomainConfig = SettingValues<typeof settings>;

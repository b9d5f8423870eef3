import { DEVELOPMENT_API_KEY } from "../../runtime/config/config.ts";
import { emulatorKinds } from "./emulator-faults.ts";
import type { FaultKind } from "./fault-kind.ts";
import { postgresKinds, redisKinds, stillupKinds } from "./kinds.ts";

export type ModeName = "local" | "external";

/** What differs between the two ways to run Stillup in containers. */
export interface Mode {
  readonly name: ModeName;
  readonly files: readonly string[];
  readonly apiKey: string;
  readonly postgres: string;
  readonly redis: string;
  readonly kinds: readonly FaultKind[];
}

export const modes: Readonly<Record<ModeName, Mode>> = {
  local: {
    name: "local",
    files: ["docker-compose.yml", "tests/chaos/compose.yml"],
    apiKey: DEVELOPMENT_API_KEY,
    postgres: "postgres",
    redis: "redis",
    kinds: [...stillupKinds(), ...postgresKinds("postgres"), ...redisKinds("redis")],
  },
  external: {
    name: "external",
    files: [
      "docker-compose.external.yml",
      "local/emulators/compose.yml",
      "tests/compose/emulator-images.yml",
      "tests/chaos/init.yml",
      "tests/chaos/compose.yml",
    ],
    /** Of local/emulators/compose.yml. */
    apiKey: "emulated-stack-key-for-this-machine-only",
    postgres: "emulated-postgres",
    redis: "emulated-redis",
    kinds: [
      ...stillupKinds(),
      ...emulatorKinds(),
      ...[...postgresKinds("emulated-postgres"), ...redisKinds("emulated-redis")].map((kind) => ({
        ...kind,
        weight: kind.weight / 2, // half of the database's and streams' faults are their emulators'
      })),
    ],
  },
};

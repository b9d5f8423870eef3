import { invalidRequest } from "../../runtime/api/problem.ts";
import { fieldName } from "../../runtime/api/validate.ts";

/** What the API shows in place of a secret. Sent back by a PATCH, it keeps the stored secret. */
export const MASK = "********";

/** Where secrets are: `secret` is a field, `headers.*` every value of an object or a list. */
export type SecretPaths = readonly string[];

type Fields = Readonly<Record<string, unknown>>;
type Path = readonly string[];

/** The same with its secrets masked. One that is null or absent stays so. */
export function maskSecrets(config: Fields, secrets: SecretPaths): Fields {
  return changeSecrets(config, secrets, (secret) => (secret === null ? null : MASK));
}

/**
 * The same with each masked secret replaced by the stored one. Throws StillupError `invalid_request` that names the
 * masks with nothing stored behind them; `where` is the name of `config` in the request, empty for the request itself.
 */
export function keepSecrets(
  config: Fields,
  stored: Fields,
  { secrets, where = "" }: { secrets: SecretPaths; where?: string },
): Fields {
  const missing: string[] = [];
  const kept = changeSecrets(config, secrets, (secret, path) => {
    if (secret !== MASK) return secret;
    const before = valueAt(stored, path);
    if (before === undefined || before === null) missing.push(fieldName(path, where));
    return before;
  });
  if (missing.length > 0) {
    throw invalidRequest(
      missing.map((field) => ({
        field,
        message: `${field} is ${MASK}, which stands for a stored secret, and none is stored; give the secret itself`,
      })),
    );
  }
  return kept;
}

type Change = (secret: unknown, path: Path) => unknown;

function changeSecrets(config: Fields, secrets: SecretPaths, change: Change): Fields {
  // A path has a name first, so what comes of an object is an object.
  return secrets.reduce((changed, path) => changeAt(changed, path.split("."), { change, at: [] }) as Fields, config);
}

function changeAt(value: unknown, path: Path, { change, at }: { change: Change; at: Path }): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value === undefined ? undefined : change(value, at);
  if (typeof value !== "object" || value === null) return value;
  const copy: unknown = Array.isArray(value) ? [...value] : { ...value };
  const fields = copy as Record<string, unknown>; // a list's items have names too: 0, 1, ...
  for (const name of Object.keys(fields)) {
    if (step === "*" || step === name) fields[name] = changeAt(fields[name], rest, { change, at: [...at, name] });
  }
  return copy;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, name) => (typeof at === "object" && at !== null && Object.hasOwn(at, name) ? (at as Fields)[name] : undefined),
    value,
  );
}

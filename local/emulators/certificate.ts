import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";

/** Both in PEM, as Node's TLS takes them. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** What clients must trust is its `cert`. */
export interface Authority extends Certificate {
  /** A certificate for servers of these host names and IPv4 addresses: for 90 days, if nothing else is said. */
  issue(names: readonly string[], validity?: Validity): Certificate;
}

/** Either may lie on the wrong side of now. */
export interface Validity {
  readonly from?: Date;
  readonly until?: Date;
}

const DAY_MS = 86_400_000;
const AUTHORITY_NAME = "Stillup emulators";

/**
 * The authority kept in a folder as `ca.pem` and `ca.key`, made when it is not there. It outlives a restart, because
 * clients read the file that NODE_EXTRA_CA_CERTS names only when they start.
 */
export async function openAuthority(folder: string): Promise<Authority> {
  const [certFile, keyFile] = [join(folder, "ca.pem"), join(folder, "ca.key")];
  if (existsSync(certFile)) {
    return createAuthority({ cert: await readFile(certFile, "utf8"), key: await readFile(keyFile, "utf8") });
  }
  const authority = createAuthority();
  await writeFile(keyFile, authority.key, { mode: 0o600 });
  await writeFile(certFile, authority.cert);
  return authority;
}

/**
 * An authority for the emulators and for tests, valid for ten years. Written here because images of Node have no `openssl`, and the
 * libraries that could do it bring a dozen packages for one certificate. The forms are those of RFC 5280.
 */
export function createAuthority(kept: Certificate = makeAuthority()): Authority {
  const signer = createPrivateKey(kept.key);
  return {
    ...kept,
    issue(names, { from, until = daysAhead(90) } = {}) {
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const subject = names[0] ?? "";
      const content = body({ subject, publicKey, from, until, extensions: [alternativeNames(names)] });
      return { cert: signed(signer, content), key: keyText(privateKey) };
    },
  };
}

function makeAuthority(): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const content = body({ subject: AUTHORITY_NAME, publicKey, until: daysAhead(3650), extensions: [mayIssue] });
  return { cert: signed(privateKey, content), key: keyText(privateKey) };
}

interface Body {
  readonly subject: string;
  readonly publicKey: KeyObject;
  /** A day before now, or before `until`, when left out. */
  readonly from?: Date | undefined;
  readonly until: Date;
  readonly extensions: readonly Buffer[];
}

/** DER's tags. */
const BOOLEAN = 0x01;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_ID = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const SET = 0x31;
const context = (tag: number, constructed = false) => (constructed ? 0xa0 : 0x80) + tag;

const TRUE = der(BOOLEAN, Buffer.of(0xff));
const COMMON_NAME = der(OBJECT_ID, Buffer.from("550403", "hex"));
const ALTERNATIVE_NAMES = der(OBJECT_ID, Buffer.from("551d11", "hex"));
const BASIC_CONSTRAINTS = der(OBJECT_ID, Buffer.from("551d13", "hex"));
const ECDSA_WITH_SHA256 = der(SEQUENCE, der(OBJECT_ID, Buffer.from("2a8648ce3d040302", "hex")));

const mayIssue = der(SEQUENCE, BASIC_CONSTRAINTS, TRUE, der(OCTET_STRING, der(SEQUENCE, TRUE)));

function alternativeNames(names: readonly string[]): Buffer {
  const each = names.map((name) =>
    isIP(name) ? der(context(7), Buffer.from(name.split(".").map(Number))) : der(context(2), Buffer.from(name)),
  );
  return der(SEQUENCE, ALTERNATIVE_NAMES, der(OCTET_STRING, der(SEQUENCE, ...each)));
}

function body({ subject, publicKey, from, until, extensions }: Body): Buffer {
  const began = from ?? new Date(Math.min(Date.now(), until.getTime()) - DAY_MS);
  return der(
    SEQUENCE,
    der(context(0, true), der(INTEGER, Buffer.of(2))), // version 3
    der(INTEGER, Buffer.concat([Buffer.of(1), randomBytes(15)])), // a serial number must be positive
    ECDSA_WITH_SHA256,
    nameOf(AUTHORITY_NAME),
    der(SEQUENCE, timeOf(began), timeOf(until)),
    nameOf(subject),
    publicKey.export({ type: "spki", format: "der" }),
    der(context(3, true), der(SEQUENCE, ...extensions)),
  );
}

/** The certificate, in PEM. */
function signed(key: KeyObject, content: Buffer): string {
  const signature = der(BIT_STRING, Buffer.of(0), sign("sha256", content, key));
  const lines =
    der(SEQUENCE, content, ECDSA_WITH_SHA256, signature)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function keyText(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

function daysAhead(days: number): Date {
  return new Date(Date.now() + days * DAY_MS);
}

function nameOf(commonName: string): Buffer {
  return der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8_STRING, Buffer.from(commonName)))));
}

/** To the second, with two digits for the year: right until 2049. */
function timeOf(date: Date): Buffer {
  return der(UTC_TIME, Buffer.from(`${date.toISOString().replace(/[-:T]/g, "").slice(2, 14)}Z`));
}

/** One element: its tag, its length, and what it holds. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  if (length < 0x100) return Buffer.concat([Buffer.of(tag, 0x81, length), content]);
  return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length & 0xff), content]);
}

// First: @peculiar/x509 needs what this adds to Reflect.
import "reflect-metadata";
import { createPrivateKey, KeyObject, webcrypto } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

/** Both in PEM, as Node's TLS takes them. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority. Its clients must trust its `cert`. */
export interface Authority extends Certificate {
  /** Makes a certificate for a server that has these host names and IP addresses. */
  issue(names: readonly string[], validity?: Validity): Promise<Certificate>;
}

/** When a certificate is valid. Both dates may lie in the past or in the future. */
export interface Validity {
  /** By default a day before now, or a day before `until` when that is earlier. */
  readonly from?: Date;
  /** By default in 90 days. */
  readonly until?: Date;
}

const DAY_MS = 86_400_000;
const AUTHORITY = "CN=Stillup emulators";
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/**
 * The authority that a folder keeps as `ca.pem` and `ca.key`. It is made when it is missing. It outlives a restart,
 * because clients read the file in NODE_EXTRA_CA_CERTS only when they start.
 */
export async function openAuthority(folder: string): Promise<Authority> {
  const [certFile, keyFile] = [join(folder, "ca.pem"), join(folder, "ca.key")];
  if (existsSync(certFile)) {
    return authorityOf({ cert: await readFile(certFile, "utf8"), key: await readFile(keyFile, "utf8") });
  }
  const authority = await createAuthority();
  await writeFile(keyFile, authority.key, { mode: 0o600 });
  await writeFile(certFile, authority.cert);
  return authority;
}

/** A new authority for emulators and tests, valid for ten years. */
export async function createAuthority(): Promise<Authority> {
  const keys = await createKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: AUTHORITY,
    keys,
    signingAlgorithm: ALGORITHM,
    ...period({ until: daysAhead(3650) }),
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  return authorityOf({ cert: textOf(certificate), key: pemOf(keys.privateKey) });
}

async function authorityOf(kept: Certificate): Promise<Authority> {
  const der = createPrivateKey(kept.key).export({ type: "pkcs8", format: "der" });
  const signingKey = await webcrypto.subtle.importKey("pkcs8", der, ALGORITHM, false, ["sign"]);
  return {
    ...kept,
    async issue(names, validity = {}) {
      const { publicKey, privateKey } = await createKeys();
      const alternatives = names.map((value) => ({ type: isIP(value) ? "ip" : "dns", value }) as const);
      const certificate = await X509CertificateGenerator.create({
        issuer: AUTHORITY,
        subject: [{ CN: [names[0] ?? ""] }],
        publicKey,
        signingKey,
        signingAlgorithm: ALGORITHM,
        ...period(validity),
        extensions: [new SubjectAlternativeNameExtension(alternatives)],
      });
      return { cert: textOf(certificate), key: pemOf(privateKey) };
    },
  };
}

function createKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

/** In PEM, with the last line's end that toString leaves out. */
function textOf(certificate: X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
}

function pemOf(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: "pkcs8", format: "pem" }).toString();
}

function period({ from, until = daysAhead(90) }: Validity): { notBefore: Date; notAfter: Date } {
  const notBefore = from ?? new Date(Math.min(Date.now(), until.getTime()) - DAY_MS);
  return { notBefore, notAfter: until };
}

function daysAhead(days: number): Date {
  return new Date(Date.now() + days * DAY_MS);
}

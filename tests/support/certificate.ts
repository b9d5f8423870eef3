import { generateKeyPairSync, sign } from "node:crypto";

export interface Certificate {
  /** PEM; it is its own authority. */
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions {
  readonly names: readonly string[];
  /** IPv4 addresses it is for, too. */
  readonly addresses?: readonly string[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

const DAY_MS = 86_400_000;

/** A self-signed certificate (X.509, RFC 5280), made here so that its dates and names can be anything. */
export function makeCertificate(options: CertificateOptions): Certificate {
  const { names, addresses = [] } = options;
  const notBefore = options.notBefore ?? new Date(Date.now() - DAY_MS);
  const notAfter = options.notAfter ?? new Date(Date.now() + DAY_MS);
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const commonName = sequence(tag(0x31, sequence(oid("550403"), tag(0x0c, Buffer.from(names[0] ?? "test")))));
  const alternatives = sequence(
    ...names.map((name) => tag(0x82, Buffer.from(name))),
    ...addresses.map((address) => tag(0x87, Buffer.from(address.split(".").map(Number)))),
  );
  const toBeSigned = sequence(
    tag(0xa0, tag(0x02, Buffer.from([2]))), // version 3
    tag(0x02, Buffer.from([1])), // serial number
    ecdsaWithSha256,
    commonName,
    sequence(utcTime(notBefore), utcTime(notAfter)),
    commonName,
    publicKey.export({ type: "spki", format: "der" }),
    tag(0xa3, sequence(sequence(oid("551d11"), tag(0x04, alternatives)))), // subjectAltName
  );
  const signature = tag(0x03, Buffer.from([0]), sign("sha256", toBeSigned, privateKey));
  const der = sequence(toBeSigned, ecdsaWithSha256, signature);
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${der.toString("base64")}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

const ecdsaWithSha256 = sequence(oid("2a8648ce3d040302"));

function sequence(...parts: readonly Buffer[]): Buffer {
  return tag(0x30, ...parts);
}

function oid(hex: string): Buffer {
  return tag(0x06, Buffer.from(hex, "hex"));
}

/** "991231235959Z"; X.509 writes years up to 2049 so. */
function utcTime(date: Date): Buffer {
  return tag(0x17, Buffer.from(`${date.toISOString().replace(/\D/g, "").slice(2, 14)}Z`));
}

/** One DER element. */
function tag(number: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([number, ...size]), content]);
}

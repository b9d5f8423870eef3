import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createAuthority, openAuthority } from "../../../../local/emulators/certificate.ts";

const DAY_MS = 86_400_000;

test("An authority may issue certificates, and its own is self-signed", async () => {
  const { cert, key } = await createAuthority();
  const authority = new X509Certificate(cert);
  expect(authority.ca).toBe(true);
  expect(authority.verify(authority.publicKey)).toBe(true);
  expect(authority.checkPrivateKey(createPrivateKey(key))).toBe(true);
});

test("A certificate has its names and its key, and its authority signs it", async () => {
  const authority = await createAuthority();
  const { cert, key } = await authority.issue(["target.test", "127.0.0.1", "::1"]);
  const issued = new X509Certificate(cert);
  expect(issued.subjectAltName).toBe("DNS:target.test, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1");
  expect(issued.checkPrivateKey(createPrivateKey(key))).toBe(true);
  expect(issued.checkIssued(new X509Certificate(authority.cert))).toBe(true);
  expect(issued.verify(new X509Certificate(authority.cert).publicKey)).toBe(true);
  expect(issued.verify(new X509Certificate((await createAuthority()).cert).publicKey)).toBe(false);
  expect(issued.ca).toBe(false);
});

test.each([
  ["from yesterday for 90 days by default", {}, -1, 90],
  ["from the day before its end when that has passed", { until: inDays(-7) }, -8, -7],
  ["for the days that it is asked for", { from: inDays(2), until: inDays(20_000) }, 2, 20_000],
])("A certificate is valid %s", async (_, validity, fromDays, untilDays) => {
  const { validFrom, validTo } = new X509Certificate(
    (await (await createAuthority()).issue(["a.test"], validity)).cert,
  );
  const daysUntil = (date: string) => (Date.parse(date) - Date.now()) / DAY_MS;
  expect(daysUntil(validFrom)).toBeCloseTo(fromDays, 2);
  expect(daysUntil(validTo)).toBeCloseTo(untilDays, 2);
});

test("A folder keeps its authority, and the authority's key is readable by its owner alone", async () => {
  const folder = await mkdtemp(join(tmpdir(), "stillup-authority-"));
  try {
    const first = await openAuthority(folder);
    const again = await openAuthority(folder);
    expect([again.cert, again.key]).toEqual([first.cert, first.key]);
    expect((await stat(join(folder, "ca.key"))).mode & 0o777).toBe(0o600);
    const issued = new X509Certificate((await again.issue(["a.test"])).cert);
    expect(issued.verify(new X509Certificate(first.cert).publicKey)).toBe(true);
  } finally {
    await rm(folder, { recursive: true });
  }
});

function inDays(days: number): Date {
  return new Date(Date.now() + days * DAY_MS);
}

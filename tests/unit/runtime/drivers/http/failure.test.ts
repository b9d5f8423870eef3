import { expect, test } from "vitest";
import { codeOf, httpFailureOf } from "../../../../../runtime/drivers/http/failure.ts";

const coded = (code: string) => Object.assign(new Error("A message that nobody reads."), { code });

test.each([
  ["ENOTFOUND", "dnsMs", "dns"],
  ["ECONNREFUSED", "dnsMs", "dns"],
  ["ECONNREFUSED", "connectMs", "connect"],
  ["EADDRNOTAVAIL", "connectMs", "connect"],
  ["ECONNRESET", "tlsMs", "connect"],
  ["CERT_HAS_EXPIRED", "tlsMs", "tls"],
  ["HOSTNAME_MISMATCH", "tlsMs", "tls"],
  ["EPROTO", "tlsMs", "tls"],
  ["ECONNRESET", "firstByteMs", "connect"],
  ["UND_ERR_SOCKET", "firstByteMs", "connect"],
  ["EPROTO", "firstByteMs", "tls"],
  ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "firstByteMs", "tls"],
  ["HPE_INVALID_CONSTANT", "firstByteMs", "connect"],
  ["UND_ERR_SOCKET", "bodyMs", "body"],
  ["ECONNRESET", "bodyMs", "body"],
  ["Z_DATA_ERROR", "bodyMs", "body"],
  ["UND_ERR_INVALID_ARG", "dnsMs", "connect"],
] as const)("%s in %s is a failure by %s", (code, phase, failure) => {
  expect(httpFailureOf(code, phase)).toBe(failure);
});

test("Of several attempts to connect the most telling code counts", () => {
  const attempts = (...codes: readonly string[]) => new AggregateError(codes.map(coded));
  expect(codeOf(attempts("ENETUNREACH", "ECONNREFUSED"))).toBe("ECONNREFUSED");
  expect(codeOf(attempts("ETIMEDOUT", "ENETUNREACH"))).toBe("ETIMEDOUT");
  expect(codeOf(attempts("EHOSTUNREACH", "ENETUNREACH"))).toBe("EHOSTUNREACH");
});

test("What has no code is unknown", () => {
  expect([codeOf(new Error("No code.")), codeOf("text"), codeOf(new AggregateError([]))]).toEqual(
    Array(3).fill("UNKNOWN"),
  );
});

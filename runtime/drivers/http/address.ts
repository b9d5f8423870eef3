import type { NetworkPolicy } from "./http.ts";

/** The narrowest policy under which a network may be reached; `never` under none. */
type Reach = NetworkPolicy | "never";

/**
 * IANA's special-purpose IPv4 registry, and the cloud services outside it that give credentials to anybody inside. The
 * first match counts. An address that matches nothing is public.
 */
const ipv4Rules = compile([
  ["0.0.0.0/32", "never"],
  ["0.0.0.0/8", "private"], // OrbStack's host.docker.internal is 0.250.250.254
  ["10.0.0.0/8", "private"],
  ["100.100.100.200/32", "never"], // metadata, Alibaba Cloud
  ["100.64.0.0/10", "private"], // carrier-grade NAT
  ["127.0.0.0/8", "private"],
  ["168.63.129.16/32", "never"], // WireServer, Azure
  ["169.254.0.0/16", "never"], // link-local: metadata of nearly every cloud
  ["172.16.0.0/12", "private"],
  ["192.0.0.0/24", "never"], // protocol assignments
  ["192.0.2.0/24", "never"], // documentation
  ["192.88.99.0/24", "never"], // 6to4 relays
  ["192.168.0.0/16", "private"],
  ["198.18.0.0/15", "never"], // benchmarking
  ["198.51.100.0/24", "never"], // documentation
  ["203.0.113.0/24", "never"], // documentation
  ["224.0.0.0/3", "never"], // multicast, reserved, broadcast
]);

/**
 * The same for IPv6, where only 2000::/3 is assigned as global unicast: an address that matches nothing is forbidden.
 * Teredo is in 2001::/23. It, 6to4 and ::a.b.c.d contain an IPv4 address that somebody else's relay would reach.
 */
const ipv6Rules = compile([
  ["::1/128", "private"],
  ["2001::/23", "never"], // protocol assignments
  ["2001:db8::/32", "never"], // documentation
  ["2002::/16", "never"], // 6to4
  ["3fff::/20", "never"], // documentation
  ["2000::/3", "public"],
  ["fd00:ec2::/32", "never"], // metadata and credentials, AWS
  ["fd20:ce::254/128", "never"], // metadata, Google Cloud
  ["fd00:c1::a9fe:a9fe/128", "never"], // metadata, Oracle Cloud
  ["fd00:42::42/128", "never"], // metadata, Scaleway
  ["fd00:a9fe:a9fe::1/128", "never"], // metadata, Linode
  ["fd00:100::100:200/128", "never"], // metadata, Alibaba Cloud
  ["fc00::/7", "private"],
]);

/** Prefixes whose last 32 bits are the IPv4 address that is reached: IPv4-mapped, and NAT64 as DNS64 hands it out. */
const embeddingPrefixes = ["::ffff:0:0", "64:ff9b::"].map((network) => (ipv6Bits(network) ?? "").slice(0, 96));

/**
 * True when the policy lets a request go to this IPv4 or IPv6 address. `public`: only globally reachable unicast.
 * `private`: private, loopback, carrier-grade NAT and unique local addresses too, but never multicast, unspecified,
 * link-local or metadata addresses, which give out a cloud's credentials. False for any text that is not an address.
 */
export function isAllowed(address: string, policy: NetworkPolicy): boolean {
  const reach = reachOf(address);
  return reach === "public" || (reach === "private" && policy === "private");
}

/** A URL's host without an IPv6 address' brackets, and without a name's final dot, which TLS does not accept. */
export function hostOf({ hostname }: URL): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname.replace(/\.$/, "");
}

/** True for an address that the policy forbids; false for a name, whose addresses are not known yet. */
export function isForbiddenLiteral(host: string, policy: NetworkPolicy): boolean {
  return /^\d+\.\d+\.\d+\.\d+$|:/.test(host) && !isAllowed(host, policy);
}

function reachOf(address: string): Reach {
  const ipv4 = ipv4Bits(address);
  if (ipv4 !== null) return firstMatch(ipv4Rules, ipv4) ?? "public";
  const ipv6 = ipv6Bits(address);
  if (ipv6 === null) return "never";
  if (embeddingPrefixes.includes(ipv6.slice(0, 96))) return firstMatch(ipv4Rules, ipv6.slice(96)) ?? "public";
  return firstMatch(ipv6Rules, ipv6) ?? "never";
}

interface Rule {
  /** The network's leading bits, as "0" and "1". */
  readonly prefix: string;
  readonly reach: Reach;
}

function compile(table: readonly (readonly [network: string, reach: Reach])[]): readonly Rule[] {
  return table.map(([network, reach]) => {
    const [address = "", length] = network.split("/");
    const bits = ipv4Bits(address) ?? ipv6Bits(address) ?? "";
    return { prefix: bits.slice(0, Number(length)), reach };
  });
}

function firstMatch(rules: readonly Rule[], bits: string): Reach | undefined {
  return rules.find(({ prefix }) => bits.startsWith(prefix))?.reach;
}

/** 32 bits, or null for anything but four decimal numbers without leading zeros. */
function ipv4Bits(address: string): string | null {
  const parts = address.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return null;
  return parts.map((part) => Number(part).toString(2).padStart(8, "0")).join("");
}

/** 128 bits, or null for anything but an IPv6 address; one with a zone (`%eth0`) is link-local and not taken. */
function ipv6Bits(address: string): string | null {
  if (!/^[\da-f:]+(:\d+\.\d+\.\d+\.\d+)?$/i.test(address)) return null;
  const halves = address.split("::");
  const [head, tail] = [groupBits(halves[0] ?? ""), groupBits(halves[1] ?? "")];
  if (halves.length > 2 || head === null || tail === null) return null;
  const missing = 128 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 16) return null;
  return head + "0".repeat(missing) + tail;
}

function groupBits(groups: string): string | null {
  if (groups === "") return "";
  let bits = "";
  for (const group of groups.split(":")) {
    const hex = /^[\da-f]{1,4}$/i.test(group) ? Number.parseInt(group, 16).toString(2).padStart(16, "0") : null;
    const more = hex ?? ipv4Bits(group);
    if (more === null) return null;
    bits += more;
  }
  return bits;
}

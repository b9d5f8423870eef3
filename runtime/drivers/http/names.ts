import { lookup as getaddrinfo } from "node:dns";
import { Resolver } from "node:dns/promises";
import { readFileSync } from "node:fs";

/** How host names become addresses. */
interface Names {
  /** All addresses of a name, at least one. Throws with a DNS code (ENOTFOUND, ESERVFAIL, ETIMEOUT, ...). */
  addresses(hostname: string): Promise<readonly string[]>;
  /** Ends what is under way: those lookups throw ECANCELLED. */
  close(): void;
}

export interface NamesOptions {
  /** Name servers as `address:port`; those of the system when left out. */
  readonly servers?: readonly string[];
  readonly hostsFile?: string;
  /** What is asked for names that the name servers do not know. */
  readonly fallback?: (hostname: string) => Promise<readonly string[]>;
}

/** Name servers and the hosts file are read again after this long: laptops change networks. */
const RENEW_AFTER_MS = 30_000;
/** How long an IPv4 answer waits for its IPv6 sibling (RFC 8305, 3): some name servers never answer the second. */
const SIBLING_DELAY_MS = 50;
/** The first try of a query; each next one waits longer. A name that nobody answers for fails after some 8 s. */
const QUERY = { timeout: 1000, tries: 3 };
/** What a name server says of a name it does not know; ECONNREFUSED: there is none, as on hosts that use no DNS. */
const unknownCodes = new Set(["ENOTFOUND", "ENODATA", "ECONNREFUSED"]);

interface Sources {
  readonly resolver: Resolver;
  readonly hosts: ReadonlyMap<string, readonly string[]>;
  readonly madeAt: number;
}

/**
 * Looks names up over the network (c-ares), not in threads. getaddrinfo gets half of libuv's 4: four names whose servers
 * were silent held up every other name for 20 s, and process.exit() for 10 s. It also costs twice the CPU (52 us against
 * 21). It is asked last, for what only the system knows: search domains, mDNS.
 */
export function createNames(options: NamesOptions = {}): Names {
  const { hostsFile = "/etc/hosts", fallback = askSystem } = options;
  const underWay = new Map<string, { readonly found: Promise<readonly string[]>; readonly resolver: Resolver }>();
  let sources: Sources | undefined;

  const currentSources = (): Sources => {
    if (sources === undefined || performance.now() - sources.madeAt > RENEW_AFTER_MS) {
      const resolver = new Resolver(QUERY);
      if (options.servers !== undefined) resolver.setServers(options.servers);
      sources = { resolver, hosts: readHosts(hostsFile), madeAt: performance.now() };
    }
    return sources;
  };

  return {
    async addresses(hostname) {
      if (hostname === "localhost" || hostname.endsWith(".localhost")) return ["127.0.0.1", "::1"]; // RFC 6761, 6.3
      const { resolver, hosts } = currentSources();
      const known = hosts.get(hostname);
      if (known !== undefined) return known;
      const shared = underWay.get(hostname);
      if (shared !== undefined) return shared.found;
      const found = askServers(resolver, hostname)
        .catch((error: { code?: string }) => {
          if (!unknownCodes.has(error.code ?? "")) throw error;
          return fallback(hostname);
        })
        .finally(() => underWay.delete(hostname));
      underWay.set(hostname, { found, resolver });
      return found;
    },
    close() {
      sources?.resolver.cancel();
      for (const { resolver } of underWay.values()) resolver.cancel();
    },
  };
}

/** IPv4 before IPv6: a container has more often no IPv6 than no IPv4, and the rest is tried after it. */
async function askServers(resolver: Resolver, hostname: string): Promise<readonly string[]> {
  const six = outcomeOf(resolver.resolve6(hostname));
  const four = await outcomeOf(resolver.resolve4(hostname));
  const sibling = four.addresses.length > 0 ? await orNothing(six, SIBLING_DELAY_MS) : await six;
  const addresses = [...four.addresses, ...sibling.addresses];
  if (addresses.length > 0) return addresses;
  // One family unknown and the other one unanswered is not "unknown".
  throw [four.error, sibling.error].find((error) => !unknownCodes.has(error?.code ?? "")) ?? four.error;
}

interface LookupOutcome {
  readonly addresses: readonly string[];
  readonly error: { readonly code?: string } | null;
}

function outcomeOf(query: Promise<string[]>): Promise<LookupOutcome> {
  return query.then(
    (addresses) => ({ addresses, error: null }),
    (error: { code?: string }) => ({ addresses: [], error }),
  );
}

function orNothing(outcome: Promise<LookupOutcome>, delayMs: number): Promise<LookupOutcome> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve({ addresses: [], error: null }), delayMs);
    outcome.then((value) => {
      clearTimeout(timer);
      resolve(value);
    }, resolve);
  });
}

function askSystem(hostname: string): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    getaddrinfo(hostname, { all: true }, (error, found) => {
      if (error === null) resolve(found.map(({ address }) => address));
      else reject(error);
    });
  });
}

/** Where Compose puts host.docker.internal. A file that is not there holds no names. */
function readHosts(file: string): ReadonlyMap<string, readonly string[]> {
  const hosts = new Map<string, string[]>();
  for (const line of readText(file).split("\n")) {
    const [address, ...names] = line.replace(/#.*/, "").trim().toLowerCase().split(/\s+/);
    for (const name of names) hosts.set(name, [...(hosts.get(name) ?? []), address ?? ""]);
  }
  return hosts;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

import { lookup as getaddrinfo } from "node:dns";
import { Resolver } from "node:dns/promises";
import { readFileSync } from "node:fs";

/** Looks host names up. */
interface Names {
  /** All addresses of a name, at least one. Throws with a DNS code (ENOTFOUND, ESERVFAIL, ETIMEOUT, ...). */
  addresses(hostname: string): Promise<readonly string[]>;
  /** Ends lookups under way: they throw ECANCELLED. */
  close(): void;
}

export interface NamesOptions {
  /** Name servers as `address:port`; those of the system when left out. */
  readonly servers?: readonly string[];
  readonly hostsFile?: string;
  /** Asked for names that the name servers do not know. */
  readonly fallback?: (hostname: string) => Promise<readonly string[]>;
}

/** Name servers and the hosts file are read again after this long: laptops change networks. */
const RENEW_AFTER_MS = 30_000;
/** How long an IPv4 answer waits for the IPv6 answer (RFC 8305, 3): some name servers never send the second. */
const SIBLING_DELAY_MS = 50;
/** The first try's time-out; each further try waits longer. A name that no server answers for fails after 8 s. */
const QUERY = { timeout: 1000, tries: 3 };
/** Codes for a name that the servers do not know. ECONNREFUSED: there is no server, as on hosts that use no DNS. */
const unknownCodes = new Set(["ENOTFOUND", "ENODATA", "ECONNREFUSED"]);

interface Sources {
  readonly resolver: Resolver;
  readonly hosts: ReadonlyMap<string, readonly string[]>;
  readonly createdAt: number;
}

/**
 * Looks names up over the network (c-ares). getaddrinfo runs in threads, and gets half of libuv's 4: four names whose
 * servers were silent delayed every other name by 20 s, and process.exit() by 10 s. It also costs twice the CPU (52 us
 * against 21). It is asked last, for what only the system knows: search domains, mDNS.
 */
export function createNames(options: NamesOptions = {}): Names {
  const { hostsFile = "/etc/hosts", fallback = askSystem } = options;
  const underWay = new Map<string, { readonly found: Promise<readonly string[]>; readonly resolver: Resolver }>();
  let sources: Sources | undefined;

  const currentSources = (): Sources => {
    if (sources === undefined || performance.now() - sources.createdAt > RENEW_AFTER_MS) {
      const resolver = new Resolver(QUERY);
      if (options.servers !== undefined) resolver.setServers(options.servers);
      sources = { resolver, hosts: readHosts(hostsFile), createdAt: performance.now() };
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

/** IPv4 first: containers lack IPv6 more often than IPv4, and the other addresses are tried after it. */
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

/** Compose puts host.docker.internal there. A missing file contains no names. */
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

import type { ProcessConfig } from "../../runtime/config/config.ts";
import { parsePostgresUrl } from "../../runtime/drivers/sql/postgres-url.ts";
import type { Endpoint } from "./network.ts";

/** Where the configured services listen. `direct` is the database for migrations. */
export function placesOf({ database, stream }: ProcessConfig): {
  database: Endpoint;
  direct: Endpoint;
  streams: Endpoint;
} {
  if (database.driver === "pglite" || stream.driver === "memory") throw new Error("These are within the process.");
  const direct = postgresPlace(database.directUrl);
  return {
    database: database.driver === "http" ? httpPlace(database.url) : postgresPlace(database.url),
    direct,
    streams: redisPlace(stream.url),
  };
}

function postgresPlace(url: string): Endpoint {
  const { host, port, tls } = parsePostgresUrl(url);
  return { host, port, tls: tls ? "postgres" : "none" };
}

/** Where Neon's driver posts to: the host's first label is `api` there. */
function httpPlace(url: string): Endpoint {
  const { hostname } = new URL(url);
  return { host: hostname === "localhost" ? hostname : hostname.replace(/^[^.]+/, "api"), port: 443, tls: "at once" };
}

const PORTS: Readonly<Record<string, number>> = { "redis:": 6379, "rediss:": 6379, "http:": 80, "https:": 443 };

function redisPlace(url: string): Endpoint {
  const { protocol, hostname, port } = new URL(url);
  return {
    host: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port || PORTS[protocol]),
    tls: protocol === "rediss:" || protocol === "https:" ? "at once" : "none",
  };
}

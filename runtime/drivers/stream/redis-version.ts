import { openConnection, parseRedisUrl } from "./redis-connection.ts";

/** The server's version, such as `7.4.2`; null when it does not say. Valkey says which Redis it is compatible with. */
export async function redisVersion(url: string): Promise<string | null> {
  const connection = openConnection(parseRedisUrl(url));
  try {
    const info = await connection.run((redis) => redis.info("server"));
    return /^redis_version:(\S+)/m.exec(info)?.[1] ?? null;
  } catch {
    return null;
  } finally {
    await connection.close();
  }
}

import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { afterEach, expect, test } from "vitest";
import { freePort, onFreePort } from "../../../testing/ports.ts";

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function listen(port: number): Promise<number> {
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  servers.push(server);
  return port;
}

test("Ports that are asked for at once differ, and one that is taken is passed over", async () => {
  const ports = await Promise.all(Array.from({ length: 20 }, freePort));
  expect(new Set(ports).size).toBe(20);
  const next = await listen(Math.max(...ports) + 1);
  expect(await freePort()).not.toBe(next);
});

test("What finds its port taken is started on another one, three times at most", async () => {
  const tried: number[] = [];
  const port = await onFreePort(async (port) => {
    tried.push(port);
    if (tried.length === 1) await listen(port);
    return listen(port);
  });
  expect(tried).toHaveLength(2);
  expect(port).toBe(tried[1]);

  const taken = await listen(await freePort());
  let starts = 0;
  const start = () => {
    starts += 1;
    return listen(taken);
  };
  await expect(onFreePort(start)).rejects.toThrow("EADDRINUSE");
  expect(starts).toBe(3);
});

test("What fails for another reason is not started again", async () => {
  let starts = 0;
  const start = async () => {
    starts += 1;
    throw new Error("no space left");
  };
  await expect(onFreePort(start)).rejects.toThrow("no space left");
  expect(starts).toBe(1);
});

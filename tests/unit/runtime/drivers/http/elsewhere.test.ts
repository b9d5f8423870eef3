import { connect } from "node:net";
import { expect, test, vi } from "vitest";
import type { Connection } from "../../../../../runtime/drivers/http/connect.ts";
import { createUndiciHttp } from "../../../../../runtime/drivers/http/undici.ts";
import { serveTcp } from "../../../../../testing/http-servers.ts";
import { failed, get } from "../../../../contracts/http-host.ts";

/** Something between here and the target, such as a rule of the firewall, sends connections to this port instead. */
const elsewhere = vi.hoisted(() => ({ port: 0 }));

vi.mock("../../../../../runtime/drivers/http/connect.ts", async (importOriginal) => ({
  ...(await importOriginal<typeof import("../../../../../runtime/drivers/http/connect.ts")>()),
  openSocket({ onConnect, onReady, onError }: Connection) {
    const socket = connect(elsewhere.port, "127.0.0.1");
    socket.on("error", onError);
    socket.once("connect", () => {
      onConnect(socket);
      onReady(socket);
    });
    return socket;
  },
}));

test("A connection that ended up at a forbidden address is dropped before anything is sent over it", async () => {
  let received = "";
  const server = await serveTcp((socket) => socket.on("data", (data) => (received += data)));
  elsewhere.port = server.port;
  const http = createUndiciHttp({ policy: "public", concurrency: 1 });
  const answer = failed(await http.call({ ...get, url: "http://93.184.216.34/" }));
  expect(answer).toMatchObject({ failure: "blocked", code: "FORBIDDEN_ADDRESS" });
  await server.abandoned();
  expect(received).toBe("");
  await http.close();
  await server.close();
});

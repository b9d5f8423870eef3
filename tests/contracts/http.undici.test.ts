import { afterEach, expect, test } from "vitest";
import { createUndiciHttp } from "../../runtime/drivers/http/undici.ts";
import { createMetrics } from "../../runtime/metrics-registry.ts";
import { serveHttp } from "../../testing/http-servers.ts";
import { httpContract } from "./http.ts";
import { Closing, get } from "./http-host.ts";

httpContract("Http by undici", { make: createUndiciHttp });

const closing = new Closing();
afterEach(() => closing.all());

test("Http by undici counts every request it sends, those after a redirect too", async () => {
  const server = closing.add(
    await serveHttp((request, response) => {
      if (request.url === "/") response.setHeader("location", "/next").statusCode = 302;
      response.end();
    }),
  );
  const metrics = createMetrics({ service: "test" });
  const http = closing.add(createUndiciHttp({ policy: "private", concurrency: 1, metrics }));
  await http.call({ ...get, url: server.url });
  const line = (await metrics.render()).split("\n").find((text) => text.startsWith("stillup_driver_calls_total"));
  expect(line).toMatch(/driver="undici",kind="request".* 2$/);
});

import { get } from "node:http";

const TIMEOUT_MS = 3000;

/** Resolves with true when the service at this port of the machine says that it is alive. Never throws. */
export function isAlive(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host: "127.0.0.1", port, path: "/healthz", timeout: TIMEOUT_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
  });
}

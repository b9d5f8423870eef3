// Loaded before a host's process runs its code: requests to Neon's names go to the emulator, whose authority is trusted.
import { Agent, buildConnector, setGlobalDispatcher } from "undici";

const { NEON_PORT = "", NEON_CA = "" } = process.env;
const connect = buildConnector({});
const secure = buildConnector({ ca: NEON_CA });

setGlobalDispatcher(
  new Agent({
    connect: (options, done) =>
      options.hostname.endsWith(".neon.tech")
        ? secure({ ...options, hostname: "127.0.0.1", port: NEON_PORT, servername: options.hostname }, done)
        : connect(options, done),
  }),
);

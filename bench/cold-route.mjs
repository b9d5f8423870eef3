// Loaded before a function: connections to names of Neon's go to the emulator. TLS asks for the name all the same.
import { Socket } from "node:net";

const { connect } = Socket.prototype;
Socket.prototype.connect = function (...args) {
  const options = Array.isArray(args[0]) ? args[0][0] : args[0];
  if (options.host?.endsWith(".neon.tech"))
    Object.assign(options, { host: "127.0.0.1", port: process.env["NEON_PORT"] });
  return Reflect.apply(connect, this, args);
};

import { createMemoryStream } from "../runtime/stream/memory.ts";
import { streamContract } from "./contracts/stream.ts";

streamContract("Streams in memory", makeService, null);

async function makeService() {
  const stream = createMemoryStream();
  return {
    connect: () => stream,
    loseEverything: async () => stream.loseEverything(),
    stop: () => stream.close(),
  };
}

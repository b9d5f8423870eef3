const maxLineLength = 1024 * 1024;

/** The lines of a text/event-stream as they come. @throws Error when one is longer than 1,048,576 characters. */
export async function* eventLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r/);
    rest = lines.pop() ?? "";
    if (rest.length > maxLineLength) throw new Error("it sent a line that is too long");
    yield* lines;
  }
}

import { resultOfHttp } from "../../domain/channels/send-result.ts";
import type { Sender } from "../../domain/channels/sender.ts";
import type { ValuesOf } from "../../domain/shared/field-map.ts";
import type { echoChat as schema } from "./schema.ts";

/** Posts the event's text to the room. */
export const echoChat: Sender<ValuesOf<typeof schema.config, "input">, string> = {
  type: "echo-chat",

  render({ text }) {
    return text;
  },

  async send({ http }, { room, token, headers, loud }, text) {
    const answer = await http.call({
      method: "POST",
      url: room,
      headers: { ...headers, ...(token === null ? {} : { authorization: token }) },
      body: loud ? text.toUpperCase() : text,
      maxRedirects: 0,
      maxBodyBytes: 1024,
    });
    return resultOfHttp(answer);
  },
};

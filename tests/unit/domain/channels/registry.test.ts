import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { sendableTypes } from "../../../../domain/channels/find-sender.ts";
import { channelTypes } from "../../../../domain/channels/find-type.ts";
import { configOf } from "../../../../domain/channels/schema.ts";
import { defaultsOf } from "../../../../domain/shared/field-map.ts";

const types = channelTypes.map(({ type }) => type);

describe("the channel types", () => {
  it("are named once each, and all of them can be sent by", () => {
    expect(new Set(types).size).toBe(types.length);
    expect([...sendableTypes].sort()).toEqual([...types].sort());
  });

  it.each(channelTypes.map((each) => [each.type, each] as const))("%s is declared as the API needs it", (_, each) => {
    expect(each.type).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(each.icon).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect(each.label).not.toBe("");
    expect(each.description).toMatch(/^\S[^\n]*\.$/);
    const config = { ...defaultsOf(each.config), ...each.example };
    expect(z.safeParse(configOf(each), each.example)).toMatchObject({ success: true, data: config });
    expect(Object.keys(each.config)).toEqual(expect.arrayContaining(each.secrets.map((path) => path.split(".")[0])));
  });
});

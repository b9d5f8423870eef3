import { describe, expect, it } from "vitest";
import { keepSecrets, MASK, maskSecrets } from "../../../../domain/shared/secrets.ts";

const secrets = ["password", "metadata.*"];
const stored = {
  host: "db.example.com",
  password: "hunter2",
  metadata: { authorization: "Bearer abc", "x-team": "b" },
};

describe("secrets", () => {
  it("are masked in their field and in the object that it holds, and nothing else is", () => {
    expect(maskSecrets(stored, secrets)).toEqual({
      host: "db.example.com",
      password: MASK,
      metadata: { authorization: MASK, "x-team": MASK },
    });
  });

  it("stay as they are where none is set", () => {
    expect(maskSecrets({ password: null, metadata: {} }, secrets)).toEqual({ password: null, metadata: {} });
    expect(maskSecrets({}, secrets)).toEqual({});
  });

  it("are kept by a change that sends the mask back", () => {
    const config = { password: MASK, metadata: { authorization: MASK, "x-team": "c" } };
    expect(keepSecrets(config, stored, { secrets })).toEqual({
      password: "hunter2",
      metadata: { authorization: "Bearer abc", "x-team": "c" },
    });
  });

  it("are replaced, removed and left out as the change says", () => {
    expect(keepSecrets({ password: "new", metadata: {} }, stored, { secrets })).toEqual({
      password: "new",
      metadata: {},
    });
    expect(keepSecrets({ password: null }, stored, { secrets })).toEqual({ password: null });
    expect(keepSecrets({ host: MASK }, stored, { secrets })).toEqual({ host: MASK });
  });

  it("cannot be a mask where no secret is stored", () => {
    const config = { password: MASK, metadata: { "x-new": MASK, authorization: MASK } };
    const keep = () => keepSecrets(config, { ...stored, password: null }, { secrets, where: "config" });
    expect(keep).toThrowError(
      expect.objectContaining({
        code: "invalid_request",
        errors: [
          expect.objectContaining({ field: "config.password" }),
          expect.objectContaining({ field: "config.metadata.x-new" }),
        ],
      }),
    );
  });
});

import { describe, expect, it } from "vitest";
import { keepSecrets, MASK, maskErrors, maskSecrets } from "../../../../domain/shared/secrets.ts";

const names = ["password", "metadata"];
const stored = {
  host: "db.example.com",
  password: "hunter2",
  metadata: { authorization: "Bearer abc", "x-team": "b" },
};

describe("secrets", () => {
  it("are masked in their field and in the object that it holds, and nothing else is", () => {
    expect(maskSecrets(stored, names)).toEqual({
      host: "db.example.com",
      password: MASK,
      metadata: { authorization: MASK, "x-team": MASK },
    });
  });

  it("stay null or empty where none is set", () => {
    expect(maskSecrets({ password: null, metadata: {} }, names)).toEqual({ password: null, metadata: {} });
    expect(maskSecrets({ password: "" }, names)).toEqual({ password: "" });
  });

  it("are kept by a change that sends the mask back", () => {
    const patch = { password: MASK, metadata: { authorization: MASK, "x-team": "c" } };
    expect(keepSecrets(patch, stored, names)).toEqual({
      password: "hunter2",
      metadata: { authorization: "Bearer abc", "x-team": "c" },
    });
  });

  it("are replaced, removed and left out as the change says", () => {
    expect(keepSecrets({ password: "new", metadata: {} }, stored, names)).toEqual({ password: "new", metadata: {} });
    expect(keepSecrets({ password: null }, stored, names)).toEqual({ password: null });
    expect(keepSecrets({ host: MASK }, stored, names)).toEqual({ host: MASK });
  });

  it("cannot be a mask that stands for nothing", () => {
    const kept = keepSecrets({ password: MASK, metadata: { "x-new": MASK } }, { password: null }, names);
    expect(maskErrors(kept, names)).toEqual([
      { field: "password", message: "password is masked and no secret is stored for it; give the secret itself" },
      expect.objectContaining({ field: "metadata.x-new" }),
    ]);
    expect(maskErrors(kept, names, "config").map(({ field }) => field)).toEqual([
      "config.password",
      "config.metadata.x-new",
    ]);
    expect(maskErrors(stored, names)).toEqual([]);
  });
});

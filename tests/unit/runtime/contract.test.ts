import { expectTypeOf, test } from "vitest";
import type { Env, FunctionEnv, Ports } from "../../../runtime/contract.ts";

// `npm run check` is what fails here: these are types.
test("a function has the ports in its env that it exports, and no others", () => {
  const ports = { http: "shared" } as const satisfies Ports;
  expectTypeOf<FunctionEnv<typeof ports>["http"]>().toEqualTypeOf<Env["http"]>();
  expectTypeOf<FunctionEnv>().not.toHaveProperty("http");
  expectTypeOf<Omit<Env, "http">>().toExtend<FunctionEnv>();
});

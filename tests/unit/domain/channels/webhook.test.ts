import { expect, it } from "vitest";
import { sign } from "../../../../domain/channels/types/webhook/sender.ts";

// The example of the Standard Webhooks reference libraries.
it("signs as Standard Webhooks say", () => {
  const signature = sign(
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}',
  );
  expect(signature).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
});

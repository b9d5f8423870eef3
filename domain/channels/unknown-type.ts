import { StillupError } from "../../runtime/errors.ts";

/** For a channel that a newer release has added. */
export function unknownType(type: string): StillupError {
  return new StillupError("wrong_state", `This release does not know channels of type ${type}. Use the newer one.`);
}

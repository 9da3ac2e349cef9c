import { fromHex, type Hex, toHex } from "../../sdk/src/bytes.js";
import type { Deployment } from "../../sdk/src/deployment.js";
import { deviceDid, deviceOf } from "../../sdk/src/did/syntax.js";
import { TenonError } from "../../sdk/src/errors.js";

/** The device a user named by its DID on this chain, or by its id. Throws `DidInvalid`, `DidForeign`, `HexInvalid`. */
export function deviceGiven(given: string, { chainId }: Deployment): Hex {
  if (!given.startsWith("did:")) return toHex(fromHex(given, 32));
  const device = deviceOf(given);
  if (given === deviceDid(chainId, device)) return device;
  throw new TenonError("DidForeign", "The DID names a device on another chain", {
    args: { did: given, chainId },
    remedy: "Name the DID's chain with --network.",
  });
}

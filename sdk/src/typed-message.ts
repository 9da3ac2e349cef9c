import { keccak256, sha256, type TypedDataDomain, TypedDataEncoder, type TypedDataField } from "ethers";
import { fromHex, type Hex } from "./bytes.js";
import { type DeviceKey, P256 } from "./frame/key.js";
import type { RegistrationMessage } from "./registration.js";

/**
 * An EIP-712 message as a device signs it: the 66 bytes `0x1901 ‖ domain ‖ struct`, and their hash for a key of this curve.
 * @param types One struct, by its EIP-712 name.
 */
export function typedMessage(
  curve: DeviceKey["curve"],
  domain: TypedDataDomain,
  types: Record<string, TypedDataField[]>,
  value: Record<string, unknown>,
): RegistrationMessage {
  const encoded = TypedDataEncoder.encode(domain, types, value) as Hex;
  const hash = curve === P256 ? "sha256" : "keccak256";
  const digest = (curve === P256 ? sha256(encoded) : keccak256(encoded)) as Hex;
  return { message: fromHex(encoded), digest, hash };
}

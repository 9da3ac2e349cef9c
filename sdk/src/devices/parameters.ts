import { createPublicKey, hash, randomBytes } from "node:crypto";
import { concatBytes, fromHex, type Hex, toHex } from "../bytes.js";
import { TenonError } from "../errors.js";
import { type DeviceKey, exportDeviceKey, P256, SECP256K1 } from "../frame/key.js";

/** What a maker says of a device besides its key: make, model, serial number … Texts only. */
export type Parameters = Readonly<Record<string, string>>;

const DOMAIN = Buffer.from("tenon-parameters-v1", "ascii");

/** 32 random bytes: without them anybody could find out a serial number by trying all of them. */
export function newSalt(): Hex {
  return toHex(randomBytes(32));
}

/**
 * The hash that stands on the chain for a device's parameters: SHA-256 of `"tenon-parameters-v1" ‖ salt ‖ JSON`, the
 * JSON one object of texts with its names sorted and no spaces, in UTF-8.
 * @param salt 32 bytes.
 */
export function parametersHashOf(salt: Hex, parameters: Parameters): Hex {
  const sorted = Object.fromEntries(Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1)));
  const text = Buffer.from(JSON.stringify(sorted), "utf8");
  return toHex(hash("sha256", concatBytes(DOMAIN, fromHex(salt, 32), text), "buffer"));
}

/** SubjectPublicKeyInfo up to the point, by curve and by whether the point is compressed. */
const SPKI = {
  [P256]: {
    compressed: "3039301306072a8648ce3d020106082a8648ce3d030107032200",
    whole: "3059301306072a8648ce3d020106082a8648ce3d030107034200",
  },
  [SECP256K1]: {
    compressed: "3036301006072a8648ce3d020106052b8104000a032200",
    whole: "3056301006072a8648ce3d020106052b8104000a034200",
  },
} as const;

/**
 * A device's key from what production lines write down: a point of 33 (compressed), 64 (x‖y) or 65 bytes, or a
 * SubjectPublicKeyInfo in DER; hex with or without 0x, or base64.
 * @param curve Of a bare point. Default P-256.
 * @throws TenonError `DeviceKeyInvalid`.
 */
export function readPublicKey(text: string, curve: DeviceKey["curve"] = P256): DeviceKey {
  const hex = /^(0x)?([0-9a-fA-F]{2})+$/.test(text);
  const bytes = hex ? Buffer.from(text.replace(/^0x/, ""), "hex") : Buffer.from(text, "base64");
  try {
    return exportDeviceKey(createPublicKey({ key: spki(bytes, curve), format: "der", type: "spki" }));
  } catch (cause) {
    throw new TenonError("DeviceKeyInvalid", "Not a public key of a supported curve", {
      args: { key: text.slice(0, 140), curve },
      remedy: "Give a point (33, 64 or 65 bytes) or a SubjectPublicKeyInfo, in hex or base64.",
      cause,
    });
  }
}

function spki(bytes: Buffer, curve: DeviceKey["curve"]): Buffer {
  const { compressed, whole } = SPKI[curve];
  if (bytes.length === 33) return Buffer.concat([Buffer.from(compressed, "hex"), bytes]);
  if (bytes.length === 65) return Buffer.concat([Buffer.from(whole, "hex"), bytes]);
  if (bytes.length === 64) return Buffer.concat([Buffer.from(`${whole}04`, "hex"), bytes]);
  return bytes;
}

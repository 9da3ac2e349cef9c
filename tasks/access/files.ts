import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { passFromJson, type SignedPass } from "../../sdk/src/access/model.js";
import { TenonError } from "../../sdk/src/errors.js";
import { type DeviceKey, exportDeviceKey } from "../../sdk/src/frame/key.js";

/** A signed pass from a file. Throws `FileUnreadable`, `PassFileInvalid`. */
export function readPass(path: string): SignedPass {
  return passFromJson(
    reading(path, "Give the file that access sign-pass wrote.", () => readFileSync(path, "utf8")),
  );
}

/** A public key (P-256 or secp256k1) from a PEM file with it or with its private key. Throws `FileUnreadable`. */
export function readPublicKey(path: string): DeviceKey {
  const remedy = "Give a PEM file with a P-256 or secp256k1 key.";
  return reading(path, remedy, () => exportDeviceKey(createPublicKey(readFileSync(path))));
}

function reading<T>(file: string, remedy: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const reason = (cause as Error).message.split("\n")[0];
    throw new TenonError("FileUnreadable", "The file cannot be used", {
      args: { file, reason },
      remedy,
      cause,
    });
  }
}

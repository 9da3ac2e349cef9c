import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { SigningKey } from "ethers";
import { type Hex, toHex } from "../bytes.js";
import { type InstallationStatement, installationMessage } from "../devices/installation.js";
import {
  type DeviceMessage,
  type Engagement,
  engagementMessage,
  type Recovery,
  type Rotation,
  recoveryMessage,
  rotationMessage,
} from "../devices/messages.js";
import { type Registration, registrationMessage } from "../devices/registration.js";
import { TenonError } from "../errors.js";
import {
  type Algorithm,
  algorithmOf,
  type DeviceKey,
  deviceIdOf,
  exportDeviceKey,
  lowS,
  SECP256K1,
  signerOf,
} from "../frame/index.js";
import { syncFolder } from "./mark.js";

/** Which device the key in the file belongs to, where the key does not say so itself. */
const DEVICE_LINE = /^Tenon device: (0x[0-9a-fA-F]{64})$/m;

/** Names of the curves a device key may use; P-256 is what secure elements have. */
export type CurveName = "P-256" | "secp256k1";

/**
 * A device's private key and what it signs. The key never leaves the object except through {@link saveKey}.
 * Where the key sits in a secure element, implement {@link FrameSigner} instead.
 */
export class DeviceSigner implements FrameSigner {
  readonly key: DeviceKey;
  readonly id: Hex;
  readonly algorithm: Algorithm;
  /** ECDSA over SHA-256 of `toBeSigned`: 64 bytes r‖s, as COSE wants them. */
  readonly sign: (toBeSigned: Uint8Array) => Uint8Array;
  readonly #private: KeyObject;

  /** @param id The device's id, where another key than this one was the device's first. Default: the hash of this key. */
  constructor(privateKey: KeyObject, id?: Hex) {
    this.key = exportDeviceKey(privateKey);
    this.id = id ?? deviceIdOf(this.key);
    this.algorithm = algorithmOf(this.key);
    this.sign = signerOf(privateKey);
    this.#private = privateKey;
  }

  /** Makes a new key in memory; with `id`, as the next key of the device of that id. */
  static generate(curve: CurveName = "P-256", id?: Hex): DeviceSigner {
    return new DeviceSigner(generateKeyPairSync("ec", { namedCurve: curve }).privateKey, id);
  }

  /**
   * The proof by which the device itself agrees to be registered. A P-256 key signs SHA-256, a secp256k1 key
   * Keccak-256, of the same 66 bytes `0x1901 ‖ domain ‖ struct`; `s` is in the lower half.
   */
  signRegistration(registration: Registration): DeviceSignature {
    return this.#signature(registrationMessage(this.key, registration));
  }

  /** The device's word that the epoch under its present owner has begun. */
  signEngagement(engagement: Engagement): DeviceSignature {
    return this.#signature(engagementMessage(this.key.curve, engagement));
  }

  /** Signs a rotation: the present key to consent, the new key to prove itself. */
  signRotation(rotation: Rotation): DeviceSignature {
    return this.#signature(rotationMessage(this.key.curve, rotation));
  }

  /** The word of a lost device's new key that it follows the owner it will have. */
  signRecovery(recovery: Recovery): DeviceSignature {
    return this.#signature(recoveryMessage(recovery));
  }

  /**
   * The device's word that it runs a release. Throws `InstallationForeign` for another device's statement; whether
   * the manifest is the one that was installed, its own software must have checked.
   */
  signInstallation(statement: InstallationStatement): DeviceSignature {
    if (statement.device !== this.id) {
      throw new TenonError("InstallationForeign", "The statement is another device's", {
        args: { device: this.id, statementOf: statement.device },
        remedy: "Prepare it with firmware.installation for this device.",
      });
    }
    return this.#signature(installationMessage(this.key.curve, statement));
  }

  #signature({ message, digest }: DeviceMessage): DeviceSignature {
    if (this.key.curve === SECP256K1) {
      const { r, s } = new SigningKey(privateScalar(this.#private)).sign(digest);
      return { r: r as Hex, s: s as Hex };
    }
    const signature = lowS(this.sign(message), this.algorithm);
    return { r: toHex(signature.subarray(0, 32)), s: toHex(signature.subarray(32)) };
  }

  /**
   * PKCS#8 in PEM, the form of the key file. Where the id is not the key's own hash, it stands in a line before
   * (explanatory text of RFC 7468).
   */
  toPem(): string {
    const pem = this.#private.export({ format: "pem", type: "pkcs8" }) as string;
    return this.id === deviceIdOf(this.key) ? pem : `Tenon device: ${this.id}\n${pem}`;
  }
}

/** A device's signature over one of the registry's messages. */
export interface DeviceSignature {
  r: Hex;
  s: Hex;
}

/** What {@link Device} needs of a key: the id and public key, and ECDSA over SHA-256 as r‖s. */
export interface FrameSigner {
  readonly id: Hex;
  readonly key: DeviceKey;
  readonly algorithm: Algorithm;
  sign(toBeSigned: Uint8Array): Uint8Array;
}

/**
 * Writes a new key file: PEM PKCS#8, readable by its owner only (0600), on disk when this returns.
 * Refuses to overwrite: a device key lost is a device lost (`DeviceKeyExists`).
 */
export function saveKey(path: string, signer: DeviceSigner): void {
  let file: number;
  try {
    file = openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw keyFileError(path, cause);
    throw new TenonError("DeviceKeyExists", "There is a key file already", {
      args: { path },
      remedy: "Load it, or name another file: a key that is overwritten cannot be recovered.",
    });
  }
  try {
    writeSync(file, signer.toPem());
    fsyncSync(file);
    syncFolder(dirname(path));
  } catch (cause) {
    unlinkSync(path); // half a key would stand in the way of a whole one
    throw keyFileError(path, cause);
  } finally {
    closeSync(file);
  }
}

/**
 * Loads a key file. Refuses one that others may read or write (`DeviceKeyExposed`), and one that does not hold
 * an unencrypted P-256 or secp256k1 private key (`DeviceKeyInvalid`).
 */
export function loadKey(path: string): DeviceSigner {
  const pem = readPrivately(path);
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, format: "pem" });
  } catch (cause) {
    throw keyInvalid(path, "no private key in PEM", cause);
  }
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve !== "prime256v1" && curve !== "secp256k1") {
    throw keyInvalid(path, curve ?? key.asymmetricKeyType ?? "unknown key type");
  }
  return new DeviceSigner(key, DEVICE_LINE.exec(pem)?.[1]?.toLowerCase() as Hex | undefined);
}

/** Loads the key at `path`, or makes one there when there is none. */
export function loadOrCreateKey(path: string, curve: CurveName = "P-256"): DeviceSigner {
  try {
    return loadKey(path);
  } catch (error) {
    if (!(error instanceof TenonError) || error.code !== "DeviceKeyMissing") throw error;
  }
  const signer = DeviceSigner.generate(curve);
  saveKey(path, signer);
  return signer;
}

function readPrivately(path: string): string {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (cause) {
    throw keyFileError(path, cause);
  }
  try {
    const mode = fstatSync(file).mode & 0o777;
    if ((mode & 0o077) !== 0) {
      throw new TenonError("DeviceKeyExposed", "Others can read the device's private key", {
        args: { path, mode: mode.toString(8) },
        remedy: `Run chmod 600 ${path}; if anyone may have read it, register a new key.`,
      });
    }
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}

function keyFileError(path: string, cause: unknown): TenonError {
  const reason = (cause as NodeJS.ErrnoException).code ?? "unknown";
  return new TenonError(
    reason === "ENOENT" ? "DeviceKeyMissing" : "DeviceKeyUnusable",
    "The key file cannot be used",
    {
      args: { path, reason },
      remedy: "Check the path, its permissions and the free space of its disk.",
      cause,
    },
  );
}

function keyInvalid(path: string, found: string, cause?: unknown): TenonError {
  return new TenonError("DeviceKeyInvalid", "The file holds no usable device key", {
    args: { path, found },
    remedy: "Give an unencrypted PKCS#8 PEM file with a P-256 or secp256k1 private key.",
    cause,
  });
}

function privateScalar(privateKey: KeyObject): Hex {
  const { d } = privateKey.export({ format: "jwk" });
  return toHex(Buffer.from(d!, "base64url"));
}

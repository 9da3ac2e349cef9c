import type { KeyObject } from "node:crypto";
import { concatBytes, fromHex, type Hex, toHex, uintBytes } from "../bytes.js";
import type { FrameSigner } from "../device/key.js";
import { TenonError } from "../errors.js";
import { CborReader, CborWriter, Major } from "../frame/cbor.js";
import { readSign1, type Sign1, toBeSigned, verifySignature, writeSign1 } from "../frame/cose.js";
import { FrameError } from "../frame/error.js";
import { type Algorithm, type DeviceKey, ES256, ES256K, importDeviceKey } from "../frame/key.js";

/** Chain and DeviceAccess contract that everything signed for access is good for, and no other. */
export interface AccessDomain {
  readonly chainId: bigint;
  /** Address of the DeviceAccess contract. */
  readonly access: string;
}

/**
 * What is signed off chain, each a COSE_Sign1 under an external AAD of its own: tag ‖ chain id (32 bytes) ‖ DeviceAccess
 * address (20). So a signature for one purpose, chain or deployment is none for any other.
 */
export const accessTags = {
  pass: "tenon-pass-v1",
  deviceProof: "tenon-device-proof-v1",
  request: "tenon-access-request-v1",
  answer: "tenon-access-answer-v1",
  handOver: "tenon-hand-over-v1",
  notice: "tenon-owner-notice-v1",
} as const;
export type AccessTag = keyof typeof accessTags;

/** Whoever signs: a {@link FrameSigner}, as a device kit's key or a secure element is one. */
export type AccessSigner = FrameSigner;

/** A signed message that was read, not yet checked. */
export interface SignedMessage {
  readonly bytes: Uint8Array;
  /** Id of the key that claims to have signed: keccak256(curve ‖ x ‖ y). */
  readonly keyId: Hex;
  readonly payload: Uint8Array;
  /** Whether `key` signed it for this purpose and domain. */
  signedBy(key: DeviceKey | KeyObject, domain: AccessDomain): boolean;
}

/** No message of these is longer. */
const MAX_MESSAGE = 65_535;

function aadOf(tag: AccessTag, { chainId, access }: AccessDomain): Uint8Array {
  return concatBytes(Buffer.from(accessTags[tag], "ascii"), uintBytes(chainId, 32), fromHex(access, 20));
}

/** COSE_Sign1 with algorithm and key id protected, an empty unprotected header, and r‖s. */
export function writeSigned(
  tag: AccessTag,
  domain: AccessDomain,
  payload: Uint8Array,
  signer: AccessSigner,
): Uint8Array {
  const protectedBytes = new CborWriter()
    .head(Major.map, 2)
    .int(1)
    .int(signer.algorithm)
    .int(4)
    .bytes(fromHex(signer.id, 32))
    .finish();
  return writeSign1({ protectedBytes, payload }, aadOf(tag, domain), (bytes) => signer.sign(bytes));
}

/** Reads the outside strictly. @throws TenonError `AccessMessageMalformed`. */
export function readSigned(tag: AccessTag, bytes: Uint8Array): SignedMessage {
  return reading(accessTags[tag], () => {
    if (bytes.length > MAX_MESSAGE) {
      throw new FrameError("FrameTooLarge", "The message is too large", { bytes: bytes.length });
    }
    const parts = readSign1(bytes, "the message");
    const { algorithm, keyId } = readProtected(parts);
    return {
      bytes: new Uint8Array(bytes),
      keyId,
      payload: parts.payload,
      signedBy: (key, domain) => {
        const imported = "curve" in key ? importDeviceKey(key) : key;
        return verifySignature(toBeSigned(parts, aadOf(tag, domain)), parts.signature, algorithm, imported);
      },
    };
  });
}

function readProtected({ protectedBytes }: Sign1): { algorithm: Algorithm; keyId: Hex } {
  const reader = new CborReader(protectedBytes);
  reader.exact(Major.map, 2, "a protected header of two entries");
  reader.exact(Major.uint, 1, "the algorithm's label");
  reader.int("algorithm");
  const algorithm = Number(reader.asBigInt());
  if (algorithm !== ES256 && algorithm !== ES256K) {
    throw new FrameError("FrameAlgorithmUnsupported", "Neither ES256 nor ES256K", { found: algorithm });
  }
  reader.exact(Major.uint, 4, "the key id's label");
  reader.byteString("key id", 32, 32);
  const keyId = toHex(reader.slice());
  reader.finish("the protected header");
  return { algorithm, keyId };
}

/** Runs a strict reader over foreign bytes; what it refuses becomes `AccessMessageMalformed`. */
export function reading<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof FrameError)) throw cause;
    throw new TenonError("AccessMessageMalformed", "The bytes are not the message they should be", {
      args: { expected: what, reason: cause.message.split("\n")[0], ...cause.args },
      remedy: "Send the message exactly as its author made it (docs/access.md has the layout).",
      cause,
    });
  }
}

/** Writes a key as [curve, x, y]. */
export function putKey(writer: CborWriter, { curve, x, y }: DeviceKey): CborWriter {
  return writer.head(Major.array, 3).int(curve).bytes(fromHex(x, 32)).bytes(fromHex(y, 32));
}

export function readKey(reader: CborReader): DeviceKey {
  reader.exact(Major.array, 3, "a key: curve, x, y");
  return readPoint(reader, readCurve(reader));
}

export function readCurve(reader: CborReader): DeviceKey["curve"] {
  const offset = reader.position;
  const curve = reader.uintWithin("curve", 1, 8);
  if (curve === 1 || curve === 8) return curve;
  throw new FrameError("FrameValueOutOfRange", "Curve 1 (P-256) or 8 (secp256k1)", { offset, found: curve });
}

function readPoint(reader: CborReader, curve: DeviceKey["curve"]): DeviceKey {
  return { curve, x: readHash(reader, "x"), y: readHash(reader, "y") };
}

/** 32 bytes. */
export function readHash(reader: CborReader, name: string): Hex {
  reader.byteString(name, 32, 32);
  return toHex(reader.slice());
}

export function readUint(reader: CborReader, name: string): bigint {
  reader.uint(name);
  return reader.asBigInt();
}

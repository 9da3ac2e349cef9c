import { type KeyObject, verify } from "node:crypto";
import { TenonError } from "../errors.js";
import { CborReader, CborWriter, Major } from "./cbor.js";
import { type Algorithm, ES256, signsWith } from "./key.js";

/** The signed parts of a COSE_Sign1, as they stand in the message. */
export interface SignedParts {
  protectedBytes: Uint8Array;
  payload: Uint8Array;
}

/** A COSE_Sign1 of this profile's shape: tagged, empty unprotected header, signature of 64 bytes. */
export interface Sign1 extends SignedParts {
  signature: Uint8Array;
  /** Where the content of `protectedBytes` and `payload` starts, so that readers can report offsets. */
  protectedOffset: number;
  payloadOffset: number;
}

const SIGNATURE_LENGTH = 64;
const CONTEXT = Uint8Array.of(0x84, 0x6a, ...Buffer.from("Signature1", "ascii"));

function headLength(length: number): number {
  if (length < 24) return 1;
  if (length < 0x100) return 2;
  return length < 0x1_0000 ? 3 : 5;
}

function putString(target: Uint8Array, offset: number, content: Uint8Array): number {
  const { length } = content;
  const major = Major.bytes << 5;
  let at = offset;
  if (length < 24) {
    target[at++] = major | length;
  } else {
    const width = headLength(length) - 1;
    target[at++] = major | (width === 1 ? 24 : width === 2 ? 25 : 26);
    for (let shift = 8 * (width - 1); shift >= 0; shift -= 8) target[at++] = (length >>> shift) & 0xff;
  }
  target.set(content, at);
  return at + length;
}

/** The Sig_structure of RFC 9052 §4.4: what the key signs. */
export function toBeSigned(parts: SignedParts, aad: Uint8Array): Uint8Array {
  const { protectedBytes, payload } = parts;
  const strings = [protectedBytes, aad, payload].reduce(
    (sum, one) => sum + headLength(one.length) + one.length,
    0,
  );
  const size = CONTEXT.length + strings;
  const pooled = Buffer.allocUnsafe(size);
  const target = new Uint8Array(pooled.buffer, pooled.byteOffset, size);
  target.set(CONTEXT);
  const afterProtected = putString(target, CONTEXT.length, protectedBytes);
  putString(target, putString(target, afterProtected, aad), payload);
  return target;
}

/** Reads the outer structure; the contents of the two byte strings are the caller's to read. */
export function readSign1(bytes: Uint8Array, what: string): Sign1 {
  const reader = new CborReader(bytes);
  reader.exact(Major.tag, 18, "tag 18, COSE_Sign1");
  reader.exact(Major.array, 4, "an array of 4");
  reader.byteString("protected header", 0, bytes.length);
  const protectedBytes = reader.slice();
  const protectedOffset = reader.position - protectedBytes.length;
  reader.exact(Major.map, 0, "an empty unprotected header");
  reader.byteString("payload", 0, bytes.length);
  const payload = reader.slice();
  const payloadOffset = reader.position - payload.length;
  reader.byteString("signature", SIGNATURE_LENGTH, SIGNATURE_LENGTH);
  const signature = reader.slice();
  reader.finish(what);
  return { protectedBytes, payload, signature, protectedOffset, payloadOffset };
}

/** Signs and writes a COSE_Sign1 of this profile's shape. */
export function writeSign1(
  parts: SignedParts,
  aad: Uint8Array,
  sign: (toBeSigned: Uint8Array) => Uint8Array,
): Uint8Array {
  const signature = sign(toBeSigned(parts, aad));
  if (signature.length !== SIGNATURE_LENGTH) {
    throw new TenonError("SignatureLengthInvalid", "The signer did not return r‖s", {
      args: { length: signature.length },
      remedy: "Return r and s, 32 bytes each, big-endian (not DER).",
    });
  }
  return new CborWriter()
    .head(Major.tag, 18)
    .head(Major.array, 4)
    .bytes(parts.protectedBytes)
    .head(Major.map, 0)
    .bytes(parts.payload)
    .bytes(signature)
    .finish();
}

/**
 * Checks an ECDSA signature r‖s over SHA-256 of `message`. High s is accepted: chips produce it, and which of the two
 * forms arrives proves nothing. A key of the other curve is refused.
 */
export function verifySignature(
  message: Uint8Array,
  signature: Uint8Array,
  algorithm: Algorithm,
  key: KeyObject,
): boolean {
  if (signature.length !== SIGNATURE_LENGTH || !signsWith(key, algorithm)) return false;
  return verify("sha256", message, key, toDer(signature));
}

/** Longest DER form of two 256-bit integers; verification is synchronous, so one buffer serves all calls. */
const der = new Uint8Array(72);

/** r‖s as DER: node:crypto is a third faster on it than on its "ieee-p1363" option. The result is reused by the next call. */
function toDer(signature: Uint8Array): Uint8Array {
  const end = putInteger(signature, 32, putInteger(signature, 0, 2));
  der[0] = 0x30;
  der[1] = end - 2;
  return der.subarray(0, end);
}

function putInteger(signature: Uint8Array, from: number, at: number): number {
  let start = from;
  while (start < from + 31 && signature[start] === 0) start++;
  const padding = signature[start]! >= 0x80 ? 1 : 0;
  const length = from + 32 - start;
  der[at] = 0x02;
  der[at + 1] = length + padding;
  der[at + 2] = 0;
  let to = at + 2 + padding;
  for (let i = start; i < from + 32; i++) der[to++] = signature[i]!;
  return to;
}

const ORDERS = {
  p256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  secp256k1: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
};

/**
 * The same signature with s in the lower half of the curve's order, which is what contracts accept. Both forms
 * verify; stored frames keep the one the device made.
 */
export function lowS(signature: Uint8Array, algorithm: Algorithm): Uint8Array {
  const order = algorithm === ES256 ? ORDERS.p256 : ORDERS.secp256k1;
  const result = new Uint8Array(signature);
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).toString("hex")}`);
  if (s <= order / 2n || s >= order) return result;
  result.set(Buffer.from((order - s).toString(16).padStart(64, "0"), "hex"), 32);
  return result;
}

import { ECDH } from "node:crypto";
import { decodeBase58, encodeBase58, toBeArray } from "ethers";
import { concatBytes, equalBytes, fromHex, toHex } from "../bytes.js";
import { TenonError } from "../errors.js";
import { type DeviceKey, P256, SECP256K1 } from "../frame/key.js";
import { isSm2Point } from "./sm2.js";

/** Kinds of keys a document may list. The registry proves the first two; the others stand in what the owner published. */
export type KeyKind = "P-256" | "secp256k1" | "Ed25519" | "SM2";

/** A public key as a Multikey carries it: a compressed point of 33 bytes, or the 32 bytes of Ed25519. */
export interface PublicKey {
  readonly kind: KeyKind;
  readonly bytes: Uint8Array;
}

/** Prefixes of the multicodec table, as varints: p256-pub, secp256k1-pub, ed25519-pub, sm2-pub. */
const kinds: Record<KeyKind, { prefix: Uint8Array; length: number; curve?: string }> = {
  "P-256": { prefix: Uint8Array.of(0x80, 0x24), length: 33, curve: "prime256v1" },
  secp256k1: { prefix: Uint8Array.of(0xe7, 0x01), length: 33, curve: "secp256k1" },
  Ed25519: { prefix: Uint8Array.of(0xed, 0x01), length: 32 },
  SM2: { prefix: Uint8Array.of(0x86, 0x24), length: 33 },
};

/** The key as `publicKeyMultibase` shows it: `z`, then base58btc of the multicodec prefix and the key. */
export function multikey(key: PublicKey): string {
  return `z${encodeBase58(concatBytes(kinds[key.kind].prefix, key.bytes))}`;
}

/**
 * The key inside a Multikey, strictly: known kind, right length, a point of its curve.
 * @throws TenonError `MultikeyInvalid`.
 */
export function readMultikey(text: string): PublicKey {
  const bytes = base58Bytes(text);
  const found = Object.entries(kinds).find(([, { prefix }]) => equalBytes(bytes.subarray(0, 2), prefix));
  if (found === undefined) throw invalid(text, "not a key of P-256, secp256k1, Ed25519 or SM2");
  const [kind, { length }] = found as [KeyKind, (typeof kinds)[KeyKind]];
  const key = { kind, bytes: bytes.slice(2) };
  if (key.bytes.length !== length || multikey(key) !== text) throw invalid(text, `not ${length} bytes`);
  if (!isPoint(key)) throw invalid(text, "not a point of its curve");
  return key;
}

/** The same key in the form this file uses. */
export function publicKeyOf(key: DeviceKey): PublicKey {
  const parity = 2 + (fromHex(key.y, 32)[31]! & 1);
  return { kind: curveName(key), bytes: concatBytes(Uint8Array.of(parity), fromHex(key.x, 32)) };
}

export function curveName(key: DeviceKey): "P-256" | "secp256k1" {
  return key.curve === P256 ? "P-256" : "secp256k1";
}

/** A JSON Web Key; `undefined` for SM2, which has no registered form. */
export interface Jwk {
  readonly kty: "EC" | "OKP";
  readonly crv: string;
  readonly x: string;
  readonly y?: string;
}

/** The key as a JSON Web Key (RFC 7517, 8037, 8812); `undefined` for SM2, for which no curve name is registered. */
export function jwkOf(key: PublicKey): Jwk | undefined {
  if (key.kind === "Ed25519") return { kty: "OKP", crv: "Ed25519", x: base64url(key.bytes) };
  if (key.kind === "SM2") return undefined;
  const { x, y } = devicePoint(key);
  return { kty: "EC", crv: key.kind, x: base64url(fromHex(x)), y: base64url(fromHex(y)) };
}

/** The two coordinates of a P-256 or secp256k1 key. */
export function devicePoint(key: PublicKey): DeviceKey {
  const { curve } = kinds[key.kind];
  const point = ECDH.convertKey(key.bytes, curve!, undefined, undefined, "uncompressed") as Buffer;
  return {
    curve: key.kind === "P-256" ? P256 : SECP256K1,
    x: toHex(point.subarray(1, 33)),
    y: toHex(point.subarray(33)),
  };
}

function isPoint(key: PublicKey): boolean {
  if (key.kind === "Ed25519") return true; // any 32 bytes; what is not a point verifies nothing
  if (key.kind === "SM2") return isSm2Point(key.bytes);
  try {
    devicePoint(key);
    return true;
  } catch {
    return false;
  }
}

function base58Bytes(text: string): Uint8Array {
  // Longer texts cannot be keys, and decoding takes quadratic time.
  if (!/^z[1-9A-HJ-NP-Za-km-z]{40,60}$/.test(text)) throw invalid(text, "not z and base58btc");
  return toBeArray(decodeBase58(text.slice(1)));
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

function invalid(text: string, reason: string): TenonError {
  return new TenonError("MultikeyInvalid", "Not a Multikey this method lists", {
    args: { given: text, reason },
    remedy: "Give z and base58btc of the multicodec prefix and the compressed public key.",
  });
}

import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { SigningKey, solidityPackedKeccak256 } from "ethers";
import type { Hex } from "../../sdk/src/bytes.js";

/** Group orders (SEC 2): `s` and `order - s` are two signatures of the same message. */
const ORDER = {
  1: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  8: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
} as const;

export interface Signature {
  r: Hex;
  s: Hex;
  /** secp256k1 only: 27 or 28. The contract does not ask for it. */
  v?: 27 | 28;
}

/** A device key made in the test, with the COSE number of its curve: 1 is P-256, 8 is secp256k1. */
export interface TestKey {
  curve: 1 | 8;
  x: Hex;
  y: Hex;
  /** `keccak256(curve ‖ x ‖ y)`. */
  id: Hex;
  /** P-256: signs SHA-256 of the bytes with node:crypto. */
  signBytes(bytes: Uint8Array): Signature;
  /** secp256k1: signs a 32-byte digest, as it is. */
  signDigest(digest: string): Signature;
}

/**
 * A fresh key of the curve, or the one with the private scalar `d` (32 bytes): gas that depends on how many zero
 * bytes a key has wants a fixed one.
 */
export function makeKey(curve: 1 | 8, d?: Hex): TestKey {
  const key = d === undefined ? freshKey(curve) : scalarKey(curve, d);
  const jwk = key.export({ format: "jwk" });
  const [x, y] = [hex(jwk.x!), hex(jwk.y!)];
  return {
    curve,
    x,
    y,
    id: solidityPackedKeccak256(["uint8", "bytes32", "bytes32"], [curve, x, y]) as Hex,
    signBytes: (bytes) => {
      const rs = sign("sha256", bytes, { key, dsaEncoding: "ieee-p1363" });
      return low(curve, { r: hex(rs.subarray(0, 32)), s: hex(rs.subarray(32)) });
    },
    signDigest: (digest) => {
      const { r, s, v } = new SigningKey(hex(jwk.d!)).sign(digest); // ethers answers the lower s
      return { r: r as Hex, s: s as Hex, v };
    },
  };
}

/** The other `s` of the same signature. */
export function flipS(curve: 1 | 8, { r, s }: Signature): Signature {
  return { r, s: `0x${(ORDER[curve] - BigInt(s)).toString(16).padStart(64, "0")}` };
}

function low(curve: 1 | 8, signature: Signature): Signature {
  return BigInt(signature.s) > ORDER[curve] / 2n ? flipS(curve, signature) : signature;
}

function freshKey(curve: 1 | 8): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: curve === 1 ? "P-256" : "secp256k1" }).privateKey;
}

/** RFC 5915 without the public key: OpenSSL computes it. */
function scalarKey(curve: 1 | 8, d: Hex): KeyObject {
  const oid = curve === 1 ? "a00a06082a8648ce3d030107" : "a00706052b8104000a";
  const body = `0201010420${d.slice(2)}${oid}`;
  const length = (body.length / 2).toString(16).padStart(2, "0");
  return createPrivateKey({ key: Buffer.from(`30${length}${body}`, "hex"), format: "der", type: "sec1" });
}

function hex(bytes: string | Uint8Array): Hex {
  const buffer = typeof bytes === "string" ? Buffer.from(bytes, "base64url") : Buffer.from(bytes);
  return `0x${buffer.toString("hex")}`;
}

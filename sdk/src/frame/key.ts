import { createPublicKey, type KeyObject, sign } from "node:crypto";
import { keccak256 } from "ethers/crypto";
import { concatBytes, fromHex, type Hex, toHex } from "../bytes.js";
import { TenonError } from "../errors.js";

/** COSE algorithms of this profile: ES256 (P-256) and ES256K (secp256k1), both over SHA-256. */
export const ES256 = -7;
export const ES256K = -47;
export type Algorithm = typeof ES256 | typeof ES256K;

/** COSE elliptic curve numbers. */
export const P256 = 1;
export const SECP256K1 = 8;

/** A device's public key: COSE curve (1 P-256, 8 secp256k1) and the point's coordinates, 32 bytes each. */
export interface DeviceKey {
  curve: typeof P256 | typeof SECP256K1;
  x: Hex;
  y: Hex;
}

const CURVES = {
  [P256]: { jwk: "P-256", openssl: "prime256v1", algorithm: ES256 },
  [SECP256K1]: { jwk: "secp256k1", openssl: "secp256k1", algorithm: ES256K },
} as const;

/** keccak256(curve byte ‖ x ‖ y): known before any transaction, and stays when the key is rotated. */
export function deviceIdOf(key: DeviceKey): Hex {
  return keccak256(concatBytes(Uint8Array.of(key.curve), fromHex(key.x, 32), fromHex(key.y, 32))) as Hex;
}

/** The COSE algorithm a key of this curve signs with. */
export function algorithmOf(key: DeviceKey): Algorithm {
  return CURVES[key.curve].algorithm;
}

const imported = new WeakMap<DeviceKey, KeyObject>();

/**
 * Makes the key usable by `verifyFrame`; importing once and passing the KeyObject is the fast way. The same `DeviceKey`
 * object gives the same KeyObject.
 * @throws TenonError DeviceKeyInvalid when the coordinates are not a point of the curve.
 */
export function importDeviceKey(key: DeviceKey): KeyObject {
  const known = imported.get(key);
  if (known !== undefined) return known;
  const fresh = importPoint(key);
  imported.set(key, fresh);
  return fresh;
}

function importPoint(key: DeviceKey): KeyObject {
  const curve = CURVES[key.curve];
  try {
    if (curve === undefined) throw new RangeError("unknown curve");
    const [x, y] = [key.x, key.y].map((part) => Buffer.from(fromHex(part, 32)).toString("base64url"));
    return createPublicKey({ key: { kty: "EC", crv: curve.jwk, x: x!, y: y! }, format: "jwk" });
  } catch (cause) {
    throw new TenonError("DeviceKeyInvalid", "Not a public key of a supported curve", {
      args: { curve: key.curve, x: key.x, y: key.y },
      remedy: "Give a point of P-256 (curve 1) or secp256k1 (curve 8) as two coordinates of 32 bytes.",
      cause,
    });
  }
}

/** The public key of a node:crypto key, private or public. */
export function exportDeviceKey(key: KeyObject): DeviceKey {
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  const curve = curveOf(publicKey);
  if (curve === undefined) {
    throw new TenonError("DeviceKeyInvalid", "Not a key of a supported curve", {
      args: { type: key.asymmetricKeyType ?? key.type, curve: key.asymmetricKeyDetails?.namedCurve },
      remedy: "Use a P-256 or a secp256k1 key.",
    });
  }
  const { x, y } = publicKey.export({ format: "jwk" });
  return { curve, x: toHex(Buffer.from(x!, "base64url")), y: toHex(Buffer.from(y!, "base64url")) };
}

function curveOf(key: KeyObject): DeviceKey["curve"] | undefined {
  const name = key.asymmetricKeyDetails?.namedCurve;
  if (name === CURVES[P256].openssl) return P256;
  return name === CURVES[SECP256K1].openssl ? SECP256K1 : undefined;
}

/** Whether a key can have signed with this algorithm. */
export function signsWith(key: KeyObject, algorithm: Algorithm): boolean {
  const curve = curveOf(key);
  return curve !== undefined && CURVES[curve].algorithm === algorithm;
}

/** A signer for `encodeFrame` and `encodeReceipt` from a private key: SHA-256, ECDSA, r‖s. s may be high. */
export function signerOf(privateKey: KeyObject): (toBeSigned: Uint8Array) => Uint8Array {
  return (toBeSigned) =>
    new Uint8Array(sign("sha256", toBeSigned, { key: privateKey, dsaEncoding: "ieee-p1363" }));
}

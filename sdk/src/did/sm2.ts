import { createHash } from "node:crypto";
import { concatBytes, uintBytes } from "../bytes.js";

/**
 * Verification of SM2 signatures (GB/T 32918.2, recommended curve, SM3 of OpenSSL). Written out here because OpenSSL
 * hashes the signer's identity into every SM2 signature and node gives no way to set it.
 */

const P = 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffffn;
const A = P - 3n;
const B = 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n;
const N = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n;
const G: Point = [
  0x32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7n,
  0xbc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0n,
  1n,
];

/** The identity that GM/T 0009 prescribes where the parties agreed on no other. */
export const SM2_DEFAULT_ID = "1234567812345678";

/** Jacobian coordinates; z = 0 is the point at infinity. */
type Point = readonly [x: bigint, y: bigint, z: bigint];

/** Whether 33 bytes are a compressed point of the curve. */
export function isSm2Point(compressed: Uint8Array): boolean {
  return decompress(compressed) !== undefined;
}

/**
 * Whether `signature` (r‖s, 64 bytes) is the key's over `message`.
 * @param compressed The public key, 33 bytes.
 * @param identity What the signer goes by; both sides must use the same.
 */
export function verifySm2(
  message: Uint8Array,
  signature: Uint8Array,
  compressed: Uint8Array,
  identity: string = SM2_DEFAULT_ID,
): boolean {
  const key = decompress(compressed);
  if (key === undefined || signature.length !== 64) return false;
  const r = toInteger(signature.subarray(0, 32));
  const s = toInteger(signature.subarray(32));
  if (r < 1n || r >= N || s < 1n || s >= N) return false;
  const t = (r + s) % N;
  if (t === 0n) return false;
  const e = toInteger(sm3(concatBytes(identityHash(key, identity), message)));
  const point = add(multiply(s, G), multiply(t, key));
  return point[2] !== 0n && (e + affineX(point)) % N === r;
}

/** Z of GB/T 32918.2 §5.5: the identity, the curve and the key in one hash. */
function identityHash(key: Point, identity: string): Uint8Array {
  const name = new TextEncoder().encode(identity);
  const numbers = [A, B, G[0], G[1], key[0], key[1]].map((number) => uintBytes(number, 32));
  return sm3(concatBytes(uintBytes(8 * name.length, 2), name, ...numbers));
}

function sm3(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sm3").update(bytes).digest());
}

function toInteger(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
}

function mod(value: bigint): bigint {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = mod(result * square);
    square = mod(square * square);
  }
  return result;
}

function decompress(compressed: Uint8Array): Point | undefined {
  const parity = compressed[0];
  if (compressed.length !== 33 || (parity !== 2 && parity !== 3)) return undefined;
  const x = toInteger(compressed.subarray(1));
  if (x >= P) return undefined;
  const square = mod(x * x * x + A * x + B);
  const root = power(square, (P + 1n) / 4n); // P ≡ 3 (mod 4)
  if (mod(root * root) !== square) return undefined;
  return [x, (root & 1n) === BigInt(parity - 2) ? root : P - root, 1n];
}

function affineX([x, , z]: Point): bigint {
  const inverse = power(z, P - 2n);
  return mod(x * inverse * inverse);
}

function double([x, y, z]: Point): Point {
  if (z === 0n || y === 0n) return [1n, 1n, 0n];
  const yy = mod(y * y);
  const zz = mod(z * z);
  const s = mod(4n * x * yy);
  const m = mod(3n * (x - zz) * (x + zz)); // A = -3
  const x3 = mod(m * m - 2n * s);
  return [x3, mod(m * (s - x3) - 8n * yy * yy), mod(2n * y * z)];
}

function add(a: Point, b: Point): Point {
  if (a[2] === 0n) return b;
  if (b[2] === 0n) return a;
  const [aa, bb] = [mod(a[2] * a[2]), mod(b[2] * b[2])];
  const [u1, u2] = [mod(a[0] * bb), mod(b[0] * aa)];
  const [s1, s2] = [mod(a[1] * bb * b[2]), mod(b[1] * aa * a[2])];
  const h = mod(u2 - u1);
  const r = mod(s2 - s1);
  if (h === 0n) return r === 0n ? double(a) : [1n, 1n, 0n];
  const hh = mod(h * h);
  const v = mod(u1 * hh);
  const x = mod(r * r - h * hh - 2n * v);
  return [x, mod(r * (v - x) - s1 * h * hh), mod(h * a[2] * b[2])];
}

/** Public values only, so it need not take the same time for all. */
function multiply(scalar: bigint, point: Point): Point {
  let result: Point = [1n, 1n, 0n];
  for (const bit of scalar.toString(2)) {
    result = double(result);
    if (bit === "1") result = add(result, point);
  }
  return result;
}

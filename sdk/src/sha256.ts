import { hash } from "node:crypto";

/**
 * SHA-256 of `data`. Asking node:crypto for a binary string and unpacking it here is three to four times faster than
 * asking it for a Buffer, whose making costs more than hashing a Merkle node.
 */
export function sha256(data: Uint8Array): Uint8Array {
  const digest = new Uint8Array(32);
  sha256Into(data, digest, 0);
  return digest;
}

/** Writes SHA-256 of `data` into `target` at `offset`. */
export function sha256Into(data: Uint8Array, target: Uint8Array, offset: number): void {
  const digest = hash("sha256", data, "binary");
  for (let i = 0; i < 32; i++) target[offset + i] = digest.charCodeAt(i);
}

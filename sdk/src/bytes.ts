import { TenonError } from "./errors.js";

/** A `0x…` string of bytes, lower case. */
export type Hex = `0x${string}`;

export function toHex(bytes: Uint8Array): Hex {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")}`;
}

/** Parses a `0x…` string strictly: even length, hex digits only, and `length` bytes when that is given. */
export function fromHex(hex: string, length?: number): Uint8Array {
  if (!/^0x([0-9a-fA-F]{2})*$/.test(hex) || (length !== undefined && hex.length !== 2 + 2 * length)) {
    throw new TenonError("HexInvalid", "Not a hex string of the expected form", {
      args: { given: hex, expectedBytes: length ?? "any" },
      remedy: "Give 0x followed by two hex digits a byte.",
    });
  }
  return new Uint8Array(Buffer.from(hex.slice(2), "hex"));
}

export function concatBytes(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** Big-endian unsigned integer in exactly `length` bytes. */
export function uintBytes(value: bigint | number, length: number): Uint8Array {
  const hex = BigInt(value).toString(16);
  if (BigInt(value) < 0n || hex.length > 2 * length) {
    throw new TenonError("UintOutOfRange", "Number does not fit", { args: { value, bytes: length } });
  }
  return new Uint8Array(Buffer.from(hex.padStart(2 * length, "0"), "hex"));
}

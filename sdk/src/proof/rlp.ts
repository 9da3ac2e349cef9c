import { decodeRlp, encodeRlp, type RlpStructuredData } from "ethers";
import type { Hex } from "../bytes.js";
import { ProofError, type ProofStep } from "./error.js";

/**
 * RLP as proofs need it: one encoding for each value. ethers decodes longer forms as well; bytes that would not be written
 * this way are refused, so that nothing can be said twice with different bytes.
 */
export function strictRlp(step: ProofStep, encoded: Hex): RlpStructuredData {
  let decoded: RlpStructuredData;
  try {
    decoded = decodeRlp(encoded);
    if (encodeRlp(decoded) === encoded) return decoded;
  } catch (cause) {
    throw new ProofError(step, "A part that must be RLP is not", { cause });
  }
  throw new ProofError(step, "A part is RLP, but not in its shortest form");
}

/** A list, of `length` items when that is given. */
export function rlpList(
  step: ProofStep,
  value: RlpStructuredData | undefined,
  length?: number,
): RlpStructuredData[] {
  if (Array.isArray(value) && (length === undefined || value.length === length)) return value;
  throw new ProofError(step, "A part that must be a list is missing or of another length", {
    args: { expectedItems: length ?? "any", items: Array.isArray(value) ? value.length : "no list" },
  });
}

/** A byte string, of `length` bytes when that is given. */
export function rlpBytes(step: ProofStep, value: RlpStructuredData | undefined, length?: number): Hex {
  if (typeof value === "string" && (length === undefined || value.length === 2 + 2 * length))
    return value as Hex;
  throw new ProofError(step, "A part that must be bytes is missing or of another length", {
    args: {
      expectedBytes: length ?? "any",
      bytes: typeof value === "string" ? value.length / 2 - 1 : "no bytes",
    },
  });
}

/** A number of at most `length` bytes, without leading zeros. */
export function rlpUint(step: ProofStep, value: RlpStructuredData | undefined, length: number): bigint {
  const bytes = rlpBytes(step, value);
  if (bytes.length > 2 + 2 * length || bytes.startsWith("0x00")) {
    throw new ProofError(step, "A number is not in its shortest form, or too large", {
      args: { given: bytes, maxBytes: length },
    });
  }
  return bytes === "0x" ? 0n : BigInt(bytes);
}

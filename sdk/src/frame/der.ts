import { type Hex, toHex } from "../bytes.js";
import { TenonError } from "../errors.js";

/**
 * The 64 bytes r‖s of an ECDSA signature in DER (`SEQUENCE { INTEGER r, INTEGER s }`), as TPMs and X.509 tools give it.
 * Strict: the one encoding that DER allows, positive integers of at most 32 bytes, nothing after them. Anything else would
 * give several byte strings for one signature.
 * @throws TenonError `SignatureDerInvalid`.
 */
export function signatureFromDer(der: Uint8Array): Uint8Array {
  const body = value(der, 0, 0x30);
  if (body.end !== der.length) throw invalid(der, "bytes after the sequence");
  const r = value(der, body.start, 0x02);
  const s = value(der, r.end, 0x02);
  if (s.end !== body.end) throw invalid(der, "more than two integers");
  const result = new Uint8Array(64);
  result.set(unsigned(der, r), 0);
  result.set(unsigned(der, s), 32);
  return result;
}

/** The same as two halves, ready for a contract once `lowS` has been at it. */
export function halvesFromDer(der: Uint8Array): { r: Hex; s: Hex } {
  const signature = signatureFromDer(der);
  return { r: toHex(signature.subarray(0, 32)), s: toHex(signature.subarray(32)) };
}

interface Span {
  start: number;
  end: number;
}

/** Where the content of the element at `at` lies. Lengths here are below 128, which DER writes as one byte. */
function value(der: Uint8Array, at: number, tag: number): Span {
  const length = der[at + 1];
  if (der[at] !== tag || length === undefined || length > 0x7f) {
    throw invalid(der, `no ${tag === 0x30 ? "sequence" : "integer"} with a length of one byte at ${at}`);
  }
  const end = at + 2 + length;
  if (end > der.length) throw invalid(der, `the element at ${at} is longer than the signature`);
  return { start: at + 2, end };
}

/** A positive integer in 32 bytes. */
function unsigned(der: Uint8Array, { start, end }: Span): Uint8Array {
  const bytes = der.subarray(start, end);
  const [first, second] = bytes;
  if (first === undefined) throw invalid(der, `an empty integer at ${start}`);
  if (first >= 0x80) throw invalid(der, `a negative integer at ${start}`);
  if (first === 0 && second !== undefined && second < 0x80) throw invalid(der, `a needless zero at ${start}`);
  const digits = first === 0 ? bytes.subarray(1) : bytes;
  if (digits.length > 32) throw invalid(der, `an integer of more than 32 bytes at ${start}`);
  const padded = new Uint8Array(32);
  padded.set(digits, 32 - digits.length);
  return padded;
}

function invalid(der: Uint8Array, reason: string): TenonError {
  return new TenonError("SignatureDerInvalid", "Not an ECDSA signature in DER", {
    args: { reason, signature: toHex(der) },
    remedy: "Give the DER encoding of SEQUENCE { INTEGER r, INTEGER s }, without anything after it.",
  });
}

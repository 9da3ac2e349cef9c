import type { KeyObject } from "node:crypto";
import { fromHex, type Hex, toHex } from "../bytes.js";
import { TenonError } from "../errors.js";
import { CborReader, CborWriter, Major } from "./cbor.js";
import { readSign1, toBeSigned, verifySignature, writeSign1 } from "./cose.js";
import { FrameError } from "./error.js";
import { domainAad, type FrameDomain } from "./frame.js";
import { type DeviceKey, ES256, importDeviceKey } from "./key.js";

/** The oracle's promise: all frames of this device and epoch up to `seqUpTo` are stored and will be anchored. */
export interface Receipt {
  device: Hex;
  epoch: number;
  seqUpTo: bigint;
  /** Frame hash of the frame `seqUpTo`. */
  headHash: Uint8Array;
  /** Where that frame stands in the oracle's log. */
  logIndex: bigint;
  /** When the oracle received it, milliseconds since 1970. */
  receivedAt: bigint;
}

const MAX_RECEIPT = 256;
const VERSION = 1;
const PROTECTED = Uint8Array.of(0xa1, 0x01, 0x26);

/** The external AAD of receipts (68 bytes). */
export function receiptAad(domain: FrameDomain): Uint8Array {
  return domainAad("tenon-receipt-v1", domain);
}

/** @param sign Signs with the oracle's receipt key (P-256), see `signerOf`. */
export function encodeReceipt(
  receipt: Receipt,
  aad: Uint8Array,
  sign: (toBeSigned: Uint8Array) => Uint8Array,
): Uint8Array {
  const payload = new CborWriter()
    .head(Major.array, 7)
    .int(VERSION)
    .bytes(fromHex(receipt.device, 32))
    .int(receipt.epoch)
    .int(receipt.seqUpTo)
    .bytes(receipt.headHash)
    .int(receipt.logIndex)
    .int(receipt.receivedAt)
    .finish();
  const bytes = writeSign1({ protectedBytes: PROTECTED, payload }, aad, sign);
  decodeReceipt(bytes);
  return bytes;
}

/** Reads a receipt without checking its signature. @throws FrameError */
export function decodeReceipt(bytes: Uint8Array): Receipt {
  return readReceipt(readOuter(bytes).payload);
}

/**
 * Reads a receipt and checks the oracle's signature on it.
 * @throws FrameError when the bytes are no receipt, TenonError ReceiptSignatureInvalid when the key did not sign it.
 */
export function verifyReceipt(bytes: Uint8Array, aad: Uint8Array, oracleKey: DeviceKey | KeyObject): Receipt {
  const outer = readOuter(bytes);
  const receipt = readReceipt(outer.payload);
  const key = "curve" in oracleKey ? importDeviceKey(oracleKey) : oracleKey;
  if (verifySignature(toBeSigned(outer, aad), outer.signature, ES256, key)) return receipt;
  throw new TenonError(
    "ReceiptSignatureInvalid",
    "The oracle's key did not sign this receipt for this deployment",
    {
      args: { device: receipt.device, epoch: receipt.epoch, seqUpTo: receipt.seqUpTo },
      remedy: "Keep the frames; check the oracle's receipt key, the chain id and the registry address.",
    },
  );
}

function readOuter(bytes: Uint8Array) {
  if (bytes.length > MAX_RECEIPT) {
    throw new FrameError("FrameTooLarge", "The receipt is too large", {
      bytes: bytes.length,
      limit: MAX_RECEIPT,
    });
  }
  const outer = readSign1(bytes, "the receipt");
  const reader = new CborReader(outer.protectedBytes);
  reader.exact(Major.map, 1, "a protected header of one entry");
  reader.exact(Major.uint, 1, "the algorithm's label");
  reader.int("algorithm");
  if (reader.asBigInt() !== BigInt(ES256)) {
    throw new FrameError("FrameAlgorithmUnsupported", "Receipts are signed with ES256", {
      found: reader.asBigInt(),
    });
  }
  reader.finish("the protected header");
  return outer;
}

function readReceipt(payload: Uint8Array): Receipt {
  const reader = new CborReader(payload);
  reader.exact(Major.array, 7, "an array of 7");
  const version = reader.uintWithin("version", 0, Number.MAX_SAFE_INTEGER);
  if (version !== VERSION)
    throw new FrameError("FrameVersionUnsupported", "Unknown receipt version", { version });
  reader.byteString("device id", 32, 32);
  const device = toHex(reader.slice());
  const epoch = reader.uintWithin("epoch", 1, 0xffff_ffff);
  reader.uint("seqUpTo");
  const seqUpTo = reader.asBigInt();
  reader.byteString("headHash", 32, 32);
  const headHash = new Uint8Array(reader.slice());
  reader.uint("logIndex");
  const logIndex = reader.asBigInt();
  reader.uint("receivedAt");
  const receivedAt = reader.asBigInt();
  reader.finish("the receipt's payload");
  return { device, epoch, seqUpTo, headHash, logIndex, receivedAt };
}

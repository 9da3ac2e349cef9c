export type { SignedParts } from "./cose.js";
export { lowS, toBeSigned, verifySignature } from "./cose.js";
export { halvesFromDer, signatureFromDer } from "./der.js";
export type { FrameErrorCode } from "./error.js";
export { FRAME_ERROR_CODES, FrameError } from "./error.js";
export type { Beacon, Clock, Frame, FrameDomain, FrameHeader } from "./frame.js";
export {
  CONTENT_OPAQUE,
  CONTENT_SENML,
  countReadings,
  decodeFrame,
  encodeFrame,
  encodeProtected,
  frameAad,
  frameHash,
  MAX_FRAME,
  readMeter,
  verifyFrame,
} from "./frame.js";
export type { Algorithm, DeviceKey } from "./key.js";
export {
  algorithmOf,
  deviceIdOf,
  ES256,
  ES256K,
  exportDeviceKey,
  importDeviceKey,
  P256,
  SECP256K1,
  signerOf,
} from "./key.js";
export type { Receipt } from "./receipt.js";
export { decodeReceipt, encodeReceipt, receiptAad, verifyReceipt } from "./receipt.js";
export type { Meter, SenmlNumber, SenmlRecord } from "./senml.js";
export { decodeSenml, encodeSenml, MAX_READINGS, meterPayload } from "./senml.js";

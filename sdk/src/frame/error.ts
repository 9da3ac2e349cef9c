import { TenonError } from "../errors.js";

/** Every way in which bytes can fail to be a frame (or a receipt), with what its author can do about it. */
const REMEDIES = {
  FrameTooLarge: "Put fewer readings in one frame: a frame has at most 65,535 bytes.",
  FrameTruncated: "Send the frame whole: a length inside it points past its end.",
  FrameTrailingBytes: "Cut what follows the last byte of the frame, or of the byte string it stands in.",
  FrameNotCanonical:
    "Encode deterministically (RFC 8949 §4.2.1): shortest form, definite lengths, ascending keys, none twice.",
  FrameMalformed: "Compare the bytes at this offset with the layout in docs/frame.md.",
  FrameAlgorithmUnsupported: "Sign with ES256 (-7, P-256) or ES256K (-47, secp256k1).",
  FrameContentTypeUnsupported: "Use content type 112 (SenML-CBOR) or 42 (opaque).",
  FrameVersionUnsupported: "This codec reads frame version 1 only.",
  FrameTooDeep: "Readings are flat: no array, map or tag may stand inside a record.",
  FrameValueOutOfRange: "Keep the value within the range docs/frame.md gives for this field.",
  FrameNotMeter: "A meter frame has one record: name, unit, integer value and absolute time, in this order.",
} as const;

export type FrameErrorCode = keyof typeof REMEDIES;

/** All codes, for programs that count refusals by reason. */
export const FRAME_ERROR_CODES = Object.keys(REMEDIES) as FrameErrorCode[];

/** Bytes that are not a frame of this profile. `args.offset` is where the reader stood. */
export class FrameError extends TenonError {
  declare readonly code: FrameErrorCode;

  constructor(code: FrameErrorCode, what: string, args: Record<string, unknown> = {}) {
    super(code, what, { args, remedy: REMEDIES[code] });
    this.name = "FrameError";
  }
}

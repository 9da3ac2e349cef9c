import type { DeviceSigner } from "../../../sdk/src/device/index.js";
import { writeSign1 } from "../../../sdk/src/frame/cose.js";
import {
  CONTENT_SENML,
  decodeFrame,
  encodeFrame,
  encodeProtected,
  encodeSenml,
  type FrameDomain,
  frameAad,
  frameHash,
  MAX_FRAME,
} from "../../../sdk/src/frame/index.js";

/** A machine's first frame. */
export function firstFrameOf(signer: DeviceSigner, domain: FrameDomain): Uint8Array {
  const header = {
    algorithm: signer.algorithm,
    contentType: CONTENT_SENML,
    device: signer.id,
    epoch: 1,
    seq: 1n,
    prev: new Uint8Array(32),
    time: BigInt(Date.now()),
    clock: "synced",
    uptime: 1_000n,
    beacon: null,
  } as const;
  const payload = encodeSenml([{ name: "oil", unit: "Cel", value: 70 }]);
  return encodeFrame(header, payload, frameAad(domain), signer.sign);
}

export interface Forgery {
  what: string;
  bytes: Uint8Array;
  /** What the oracle must call it. */
  reason: string;
}

/**
 * What somebody may send with a machine's login, and in part with its key, that is no frame of this deployment.
 * @param genuine The machine's newest frame.
 * @param foreign A genuine frame of another machine.
 */
export function forgeriesOf(
  signer: DeviceSigner,
  domain: FrameDomain,
  genuine: Uint8Array,
  foreign: Uint8Array,
): Forgery[] {
  const aad = frameAad(domain);
  const frame = decodeFrame(genuine);
  const next = { ...frame.header, seq: frame.header.seq + 1n, prev: frameHash(frame, aad) };
  const payload = encodeSenml([{ name: "oil", unit: "Cel", value: 71 }]);
  const elsewhere = frameAad({ ...domain, chainId: domain.chainId + 1n });
  const bomb = new Uint8Array(MAX_FRAME - 300).fill(0x81);
  return [
    { what: "one bit turned over", bytes: turned(genuine), reason: "bad-signature" },
    {
      what: "signed by the machine, for another chain",
      bytes: encodeFrame(next, payload, elsewhere, signer.sign),
      reason: "bad-signature",
    },
    {
      what: "second bytes for the same signed content",
      bytes: reencoded(genuine),
      reason: "malformed:FrameNotCanonical",
    },
    {
      what: "arrays nested tens of thousands deep, signed by the machine",
      bytes: writeSign1({ protectedBytes: encodeProtected(next), payload: bomb }, aad, signer.sign),
      reason: "malformed:FrameTooDeep",
    },
    { what: "a byte too long", bytes: new Uint8Array(MAX_FRAME + 1).fill(0xd2), reason: "oversize" },
    { what: "another machine's frame", bytes: foreign, reason: "wrong-topic" },
  ];
}

/** The last bit of the payload turned over: a reading that the machine did not make. */
export function turned(frame: Uint8Array): Uint8Array {
  const copy = new Uint8Array(frame);
  const { payload } = decodeFrame(copy);
  payload[payload.length - 1] = payload.at(-1)! ^ 1;
  return copy;
}

/** The protected header's length in two bytes where one does: all that is signed stays as it was. */
function reencoded(frame: Uint8Array): Uint8Array {
  return new Uint8Array([...frame.subarray(0, 2), 0x59, 0x00, ...frame.subarray(3)]);
}

import { fromHex, type Hex, toHex } from "../bytes.js";
import { TenonError } from "../errors.js";
import { CborReader, CborWriter, Major } from "../frame/cbor.js";
import { FrameError } from "../frame/error.js";
import { type DeviceKey, deviceIdOf } from "../frame/key.js";
import { sha256 } from "../sha256.js";
import {
  type AccessDomain,
  type AccessSigner,
  putKey,
  readHash,
  reading,
  readKey,
  readSigned,
  readUint,
  type SignedMessage,
  writeSigned,
} from "./signed.js";

/*
 * What requester and device say to each other, on any transport. Arrays of deterministic CBOR, the signed parts inside as byte strings:
 *
 *   hello     [1, requester's challenge]                          requester → device
 *   proof     [2, signed [device, epoch, key, both challenges]]   device → requester, by the device's key
 *   request   [3, pass, signed [device, device's challenge, pass hash, permissions, counter, action]]   by the requester's key
 *   answer    [4, signed [request hash, reason, next challenge, result]]                                by the device's key
 *   handOver  [5, hand-over]      anybody → device
 *   notice    [6, owner's notice] anybody → device
 *   taken     [7, reason]         device → whoever brought it; not signed, the next proof shows the epoch
 *
 * The action is inside what the requester signs and the result inside what the device signs, so whoever sits between
 * them can stop the talk, and nothing else.
 */
export const Kind = { hello: 1, proof: 2, request: 3, answer: 4, handOver: 5, notice: 6, taken: 7 } as const;

export const CHALLENGE_LENGTH = 32;
/** What an action or a result may have in bytes. */
export const MAX_ACTION = 32_000;
const MAX_SIGNED = 64_000;
const MAX_UINT32 = 0xffff_ffff;

/** A message between requester and device, opened one level. */
export type AccessMessage =
  | { readonly kind: typeof Kind.hello; readonly challenge: Uint8Array }
  | { readonly kind: typeof Kind.proof; readonly proof: Uint8Array }
  | { readonly kind: typeof Kind.request; readonly pass: Uint8Array; readonly request: Uint8Array }
  | { readonly kind: typeof Kind.answer; readonly answer: Uint8Array }
  | { readonly kind: typeof Kind.handOver | typeof Kind.notice; readonly document: Uint8Array }
  | { readonly kind: typeof Kind.taken; readonly reason: string };

export function writeMessage(message: AccessMessage): Uint8Array {
  const parts = partsOf(message);
  const writer = new CborWriter().head(Major.array, 1 + parts.length).int(message.kind);
  for (const part of parts) typeof part === "string" ? writer.text(part) : writer.bytes(part);
  return writer.finish();
}

function partsOf(message: AccessMessage): (Uint8Array | string)[] {
  switch (message.kind) {
    case Kind.hello:
      return [message.challenge];
    case Kind.proof:
      return [message.proof];
    case Kind.request:
      return [message.pass, message.request];
    case Kind.answer:
      return [message.answer];
    case Kind.handOver:
    case Kind.notice:
      return [message.document];
    case Kind.taken:
      return [message.reason];
  }
}

/** @throws TenonError `AccessMessageMalformed`. */
export function readMessage(bytes: Uint8Array): AccessMessage {
  return reading("a message between requester and device", () => {
    const reader = new CborReader(bytes);
    const parts = reader.count(Major.array, 2, 3, "a message of two or three parts");
    const kind = reader.uintWithin("kind", Kind.hello, Kind.taken);
    if (parts !== (kind === Kind.request ? 3 : 2)) {
      throw new FrameError("FrameMalformed", "The message has not as many parts as its kind", {
        kind,
        parts,
      });
    }
    const message = readParts(reader, kind);
    reader.finish("the message");
    return message;
  });
}

function readParts(reader: CborReader, kind: number): AccessMessage {
  const bytes = (name: string, min: number, max: number) => {
    reader.byteString(name, min, max);
    return new Uint8Array(reader.slice());
  };
  switch (kind) {
    case Kind.hello:
      return { kind, challenge: bytes("challenge", CHALLENGE_LENGTH, CHALLENGE_LENGTH) };
    case Kind.proof:
      return { kind, proof: bytes("proof", 1, MAX_SIGNED) };
    case Kind.request:
      return { kind, pass: bytes("pass", 1, MAX_SIGNED), request: bytes("request", 1, MAX_SIGNED) };
    case Kind.answer:
      return { kind, answer: bytes("answer", 1, MAX_SIGNED) };
    case Kind.handOver:
    case Kind.notice:
      return { kind, document: bytes("document", 1, MAX_SIGNED) };
    default:
      reader.text("reason", 1, 64);
      return { kind: Kind.taken, reason: reader.asText() };
  }
}

/** The device shows that it is the device, to this requester, now. */
export interface DeviceProof {
  readonly device: Hex;
  readonly epoch: number;
  readonly key: DeviceKey;
  readonly requesterChallenge: Uint8Array;
  readonly deviceChallenge: Uint8Array;
}

export function writeDeviceProof(domain: AccessDomain, proof: DeviceProof, signer: AccessSigner): Uint8Array {
  const writer = new CborWriter().head(Major.array, 5).bytes(fromHex(proof.device, 32)).int(proof.epoch);
  putKey(writer, proof.key).bytes(proof.requesterChallenge).bytes(proof.deviceChallenge);
  return writeSigned("deviceProof", domain, writer.finish(), signer);
}

/**
 * Reads a device's proof and checks it against what the requester expects.
 * @param expected The device's id, and its key where it is not the birth key any more (the DID document names it).
 * @throws TenonError `AccessMessageMalformed`, `DeviceProofForeign` when it is another device, key or challenge's.
 */
export function verifyDeviceProof(
  domain: AccessDomain,
  bytes: Uint8Array,
  expected: { readonly device: Hex; readonly key?: DeviceKey; readonly challenge: Uint8Array },
): DeviceProof {
  const message = readSigned("deviceProof", bytes);
  const proof = reading("a device's proof", () => {
    const reader = new CborReader(message.payload);
    reader.exact(Major.array, 5, "an array of 5");
    const device = readHash(reader, "device");
    const epoch = reader.uintWithin("epoch", 1, MAX_UINT32);
    const key = readKey(reader);
    const [requesterChallenge, deviceChallenge] = [readChallenge(reader), readChallenge(reader)];
    reader.finish("the proof");
    return { device, epoch, key, requesterChallenge, deviceChallenge };
  });
  const known = expected.key === undefined ? expected.device : deviceIdOf(expected.key);
  const { device, key, requesterChallenge } = proof;
  const wrong =
    device !== expected.device
      ? "it names another device"
      : deviceIdOf(key) !== known
        ? "it comes with another key"
        : Buffer.compare(requesterChallenge, expected.challenge) !== 0
          ? "it answers another challenge"
          : message.signedBy(key, domain)
            ? undefined
            : "the key did not sign it, for this chain and contract";
  if (wrong === undefined) return proof;
  throw new TenonError("DeviceProofForeign", "This is not the device that was asked for", {
    args: { expected: expected.device, device, key: deviceIdOf(key), reason: wrong },
    remedy: "Tell it nothing. If the device's key was rotated, give the present one from its DID document.",
  });
}

/** One access: the requester signs what it wants done, with which pass, against the device's challenge. */
export interface AccessRequest {
  readonly device: Hex;
  readonly deviceChallenge: Uint8Array;
  /** Hash of the pass, as the contract has it. */
  readonly pass: Hex;
  readonly permissions: bigint;
  /** Higher than in any request before, by this grantee to this device. */
  readonly counter: bigint;
  /** What is to be done, in the words of the device's service; the device gives it meaning. */
  readonly action: Uint8Array;
}

export function writeRequest(domain: AccessDomain, request: AccessRequest, signer: AccessSigner): Uint8Array {
  const writer = new CborWriter().head(Major.array, 6).bytes(fromHex(request.device, 32));
  writer.bytes(request.deviceChallenge).bytes(fromHex(request.pass, 32)).int(request.permissions);
  return writeSigned("request", domain, writer.int(request.counter).bytes(request.action).finish(), signer);
}

/** @throws TenonError `AccessMessageMalformed`. */
export function readRequest(bytes: Uint8Array): AccessRequest & { readonly message: SignedMessage } {
  const message = readSigned("request", bytes);
  return reading("an access request", () => {
    const reader = new CborReader(message.payload);
    reader.exact(Major.array, 6, "an array of 6");
    const device = readHash(reader, "device");
    const deviceChallenge = readChallenge(reader);
    const pass = readHash(reader, "pass hash");
    const permissions = readUint(reader, "permissions");
    const counter = readUint(reader, "counter");
    reader.byteString("action", 0, MAX_ACTION);
    const action = new Uint8Array(reader.slice());
    reader.finish("the request");
    return { device, deviceChallenge, pass, permissions, counter, action, message };
  });
}

/** What the device says to a request. */
export interface AccessAnswer {
  /** SHA-256 of the signed request. */
  readonly request: Hex;
  /** `Granted`, or why not. */
  readonly reason: string;
  /** For the next request on this connection. */
  readonly nextChallenge: Uint8Array;
  readonly result: Uint8Array;
}

export function writeAnswer(domain: AccessDomain, answer: AccessAnswer, signer: AccessSigner): Uint8Array {
  const writer = new CborWriter().head(Major.array, 4).bytes(fromHex(answer.request, 32)).text(answer.reason);
  return writeSigned(
    "answer",
    domain,
    writer.bytes(answer.nextChallenge).bytes(answer.result).finish(),
    signer,
  );
}

/** @throws TenonError `AccessMessageMalformed`. */
export function readAnswer(bytes: Uint8Array): AccessAnswer & { readonly message: SignedMessage } {
  const message = readSigned("answer", bytes);
  return reading("an answer", () => {
    const reader = new CborReader(message.payload);
    reader.exact(Major.array, 4, "an array of 4");
    const request = readHash(reader, "request hash");
    reader.text("reason", 1, 64);
    const reason = reader.asText();
    const nextChallenge = readChallenge(reader);
    reader.byteString("result", 0, MAX_ACTION);
    const result = new Uint8Array(reader.slice());
    reader.finish("the answer");
    return { request, reason, nextChallenge, result, message };
  });
}

/** SHA-256 of the signed request: what an answer is to. */
export function requestHash(request: Uint8Array): Hex {
  return toHex(sha256(request));
}

function readChallenge(reader: CborReader): Uint8Array {
  reader.byteString("challenge", CHALLENGE_LENGTH, CHALLENGE_LENGTH);
  return new Uint8Array(reader.slice());
}

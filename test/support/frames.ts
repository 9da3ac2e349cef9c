import { createHash } from "node:crypto";
import { encodeBytes32String, id } from "ethers";
import { concatBytes, fromHex, type Hex, toHex } from "../../sdk/src/bytes.js";
import {
  encodeFrame,
  type FrameDomain,
  type FrameHeader,
  frameAad,
  meterPayload,
} from "../../sdk/src/frame/index.js";
import { anchor, PAST, type Telemetry, type TestAnchor } from "./anchors.js";
import { flipS, makeKey, type Signature, type TestKey } from "./keys.js";
import { leafOf, pathOf, rootOf } from "./rfc9162.js";

/** Two devices that are the same in every run. */
export const P256_DEVICE = makeKey(1, id("a P-256 device") as Hex);
export const K1_DEVICE = makeKey(8, id("a secp256k1 device") as Hex);

export const METER = { name: "engine", unit: "s" };
/** The same as a contract has it. */
export const METER_WORDS = { name: encodeBytes32String("engine"), unit: encodeBytes32String("s") };

/** What `FrameReader.verify` takes. */
export interface TestProof {
  frame: Hex;
  stream: bigint;
  anchor: TestAnchor;
  index: number;
  path: Hex[];
  epochPath: Hex[];
}

export type Signing = "low" | "high";

export async function domainOf({ registry }: Pick<Telemetry, "registry">): Promise<FrameDomain> {
  return { chainId: 31337n, registry: await registry.getAddress() };
}

export interface FrameOptions extends Partial<FrameHeader> {
  signing?: Signing;
  payload?: Uint8Array;
}

/** A frame signed by the device; a meter frame with `value` unless another payload is given. */
export function makeFrame(domain: FrameDomain, key: TestKey, value: bigint, options: FrameOptions = {}): Hex {
  const { signing = "low", payload, ...given } = options;
  const header: FrameHeader = {
    algorithm: key.curve === 1 ? -7 : -47,
    contentType: 112,
    device: key.id,
    epoch: 1,
    seq: 1n,
    prev: new Uint8Array(32),
    time: 1_767_225_600_000n,
    clock: "synced",
    uptime: 4_000n,
    beacon: null,
    ...given,
  };
  const meter = payload ?? meterPayload({ ...METER, value, time: 1_767_225_600n });
  return toHex(encodeFrame(header, meter, frameAad(domain), (bytes) => sign(key, bytes, signing)));
}

function sign(key: TestKey, bytes: Uint8Array, signing: Signing): Uint8Array {
  const digest = toHex(createHash("sha256").update(bytes).digest());
  const low: Signature = key.curve === 1 ? key.signBytes(bytes) : key.signDigest(digest);
  const { r, s } = signing === "low" ? low : flipS(key.curve, low);
  return concatBytes(fromHex(r, 32), fromHex(s, 32));
}

/** Anchors the frames as one batch and proves each of them. */
export async function anchorFrames(world: Telemetry, frames: readonly Hex[]): Promise<TestProof[]> {
  const leaves = frames.map(leafOf);
  const a = await anchor(world, { count: frames.length, framesRoot: rootOf(leaves) });
  return frames.map((frame, index) => ({
    frame,
    stream: world.stream,
    anchor: a,
    index,
    path: pathOf(index, leaves),
    epochPath: [],
  }));
}

/** With one frame more, a batch of 1,024: the usual second of a plant. */
const REST = Array.from({ length: 1_023 }, (_, i) => id(`leaf ${i}`) as Hex);

/** The frames root of such a batch. */
export function fullRoot(frame: Hex): Hex {
  return rootOf([leafOf(frame), ...REST]);
}

/** Anchors and proves a frame in a batch of 1,024, with the same calldata in every run. */
export async function anchorInFullBatch(world: Telemetry, frame: Hex): Promise<TestProof> {
  const [minTime, maxTime] = [PAST, PAST];
  const a = await anchor(world, { count: 1_024, framesRoot: fullRoot(frame), minTime, maxTime });
  const path = pathOf(0, [leafOf(frame), ...REST]);
  return { frame, stream: world.stream, anchor: a, index: 0, path, epochPath: [] };
}

import { AbiCoder, keccak256, type Result } from "ethers";
import type { Hex } from "./bytes.js";

/** One batch of frames as anchored in a stream: frames `[first, first + count)` of the stream. */
export interface AnchorData {
  readonly stream: number;
  /** Numbered from 0. */
  readonly batch: number;
  readonly first: bigint;
  readonly count: number;
  /** When the oracle received the first and the last frame, seconds since 1970. */
  readonly minTime: bigint;
  readonly maxTime: bigint;
  /** RFC 9162 root over the frames. */
  readonly framesRoot: Hex;
  /** Sized root over the heads of the devices in the batch. */
  readonly headsRoot: Hex;
  /** Sized root over what was refused since the batch before. */
  readonly rejectsRoot: Hex;
}

/** Batches of one epoch, which share one epoch root. */
export const EPOCH = 1024;

const anchorType =
  "tuple(uint32 batch,uint40 first,uint32 count,uint40 minTime,uint40 maxTime,bytes32 framesRoot,bytes32 headsRoot,bytes32 rejectsRoot)";

/** `keccak256(abi.encode(stream, anchor))`: what the contract keeps of a batch. */
export function commitmentOf({ stream, ...anchor }: AnchorData): Hex {
  return keccak256(AbiCoder.defaultAbiCoder().encode(["uint32", anchorType], [stream, anchor])) as Hex;
}

/** The batch that an `Anchored` event tells of. */
export function anchorOfEvent(args: Result): AnchorData {
  return {
    stream: Number(args.stream),
    batch: Number(args.batch),
    first: args.first,
    count: Number(args.count),
    minTime: args.minTime,
    maxTime: args.maxTime,
    framesRoot: args.framesRoot,
    headsRoot: args.headsRoot,
    rejectsRoot: args.rejectsRoot,
  };
}

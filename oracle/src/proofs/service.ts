import { commitmentOf, EPOCH } from "@tenon/sdk/anchor";
import { equalBytes, fromHex, type Hex, toHex } from "@tenon/sdk/bytes";
import { TenonError } from "@tenon/sdk/errors";
import { decodeFrame } from "@tenon/sdk/frame/index";
import { type BlockProof, buildBlockProof } from "@tenon/sdk/proof/block";
import type { DeviceRangeProof, FrameProof, HeadProof } from "@tenon/sdk/proof/bundle";
import { decodeHead, HEAD_LENGTH } from "@tenon/sdk/proof/heads";
import { leafHash, MerkleTree } from "@tenon/sdk/proof/merkle";
import { anchorDataOf } from "../chain/anchor-log.js";
import type { ChainConnection } from "../chain/connection.js";
import type { AnchoredAt } from "../chain/intents.js";
import type { SegmentLog } from "../log/log.js";
import type { ClosedBatch, DeviceDirectory } from "../state/types.js";
import { Cache } from "./cache.js";
import type { FramePlace, Places } from "./places.js";

/** Most frames and bytes in one range proof: it is built in memory. */
export const MAX_RANGE_FRAMES = 10_000;
const MAX_RANGE_BYTES = 32 << 20;
/** Frames of a range read between two breaths of the event loop: frames from devices do not wait for a proof. */
const BREATH = 50;

/** What a proof is built from. */
export interface ProofSources {
  places: Places;
  directory: DeviceDirectory;
  log: Pick<SegmentLog, "frame" | "frames" | "nextFrame">;
  chain: ChainConnection;
  stream: number;
}

/** A frame by its place in the device's own order. */
export interface FrameName {
  device: Hex;
  epoch: number;
  seq: bigint;
}

/**
 * Builds proofs from log, state and chain. Nothing is believed: every tree is computed anew from the log and must
 * come out as the root that was anchored.
 *
 * Errors: `DeviceUnknown`, `FrameUnknown`, `FrameNotAnchored` (try again later), `RangeInvalid`, `RangeTooLong`,
 * `RangeIncomplete`, `RangeForked`, `HeadSuperseded`, `BatchRootMismatch` (run `verify`).
 */
export class ProofService {
  readonly #from: ProofSources;
  readonly #trees = new Cache<number, MerkleTree>(4);
  readonly #epochs = new Cache<number, MerkleTree>(4);
  readonly #blocks = new Cache<number, Promise<BlockProof>>(256);

  /** Names of the frames stored since `first`, where the open batch begins; each is read once. */
  #open = { first: 0, next: 0, names: new Set<string>() };

  constructor(sources: ProofSources) {
    this.#from = sources;
  }

  /** Proof of the frame at a log index. */
  async byIndex(logIndex: number): Promise<FrameProof> {
    const { places } = this.#from;
    const batch = places.batchOfFrame(logIndex);
    if (batch === undefined) {
      const { nextFrame } = this.#from.log;
      if (logIndex < nextFrame) throw notAnchored({ logIndex });
      throw new TenonError("FrameUnknown", "The log has no frame of that index", {
        args: { logIndex, frames: nextFrame },
        remedy: "Frames are numbered from 0 in the order they were stored.",
      });
    }
    return this.#prove(batch, logIndex);
  }

  /** Proof of a device's frame; of the first one logged when the device made two. */
  async byName(name: FrameName): Promise<FrameProof> {
    const [place] = this.#placesOf(name);
    return this.byIndex((place as { logIndex: number }).logIndex);
  }

  /** That the frames `[from, to]` of a device's epoch are all there are. */
  async range(device: Hex, epoch: number, from: bigint, to: bigint): Promise<DeviceRangeProof> {
    requireRange(from, to);
    const { places } = this.#from;
    const num = this.#num(device);
    if (!places.isComplete(num, epoch, to)) {
      const missing = places.missing(num, epoch, to).map(({ from: first, to: last }) => `${first}–${last}`);
      throw new TenonError("RangeIncomplete", "Frames of the range, or before it, have not arrived", {
        args: { device, epoch, to, missing: missing.join(", ") || "not received yet" },
        remedy: "Ask for a shorter range, or wait until the device has sent them again.",
      });
    }
    const completing = this.#completing(num, { device, epoch, seq: to });
    const head = await this.#headProof(device, epoch, to, completing);
    const { frames, end } = await this.#linked(num, { device, epoch, from, to });
    const last = await this.byIndex(end);
    const { version, chainId, genesisHash, anchorLog, registry } = last;
    return {
      version,
      chainId,
      genesisHash,
      anchorLog,
      registry,
      device,
      epoch,
      from,
      to,
      frames,
      last,
      head,
    };
  }

  async #prove(batch: ClosedBatch, logIndex: number): Promise<FrameProof> {
    const { chain, log, stream } = this.#from;
    const at = this.#anchoredAt(batch);
    const tree = this.#tree(batch);
    const index = logIndex - batch.first;
    return {
      version: 1,
      chainId: String(chain.deployment.chainId),
      genesisHash: chain.deployment.genesisHash,
      anchorLog: chain.addressOf("AnchorLog"),
      registry: chain.addressOf("DeviceRegistry"),
      frame: toHex(log.frame(logIndex).raw),
      index,
      path: tree.path(index).map(toHex),
      anchor: anchorDataOf(stream, batch),
      epochPath: this.#epochPath(batch.batch),
      block: await this.#block(batch.batch, at),
    };
  }

  /**
   * The frames of the range, each naming the one before it: where a device made two, the one that links. With the log
   * index of the last one.
   */
  async #linked(
    num: number,
    { device, epoch, from, to }: { device: Hex; epoch: number; from: bigint; to: bigint },
  ): Promise<{ frames: Hex[]; end: number }> {
    for (const { logIndex: end } of this.#from.places.framesAt(num, epoch, to)) {
      const frames = await this.#chainTo(num, epoch, end, { from, to });
      if (BigInt(frames.length) === to - from + 1n) return { frames: frames.reverse(), end };
    }
    throw new TenonError("RangeForked", "The device's frames do not form one chain", {
      args: { device, epoch, from, to },
      remedy: "The device signed a fork: /devices/:id shows where. Ask for the ranges on its two sides.",
    });
  }

  /** From the frame at log index `end`, which is `to`, back to `from`, or to where the chain breaks; the last first. */
  async #chainTo(
    num: number,
    epoch: number,
    end: number,
    { from, to }: { from: bigint; to: bigint },
  ): Promise<Hex[]> {
    const { places, log } = this.#from;
    const frames: Hex[] = [];
    let bytes = 0;
    let at: number | undefined = end;
    for (let seq = to; at !== undefined; seq--) {
      const { raw } = log.frame(at);
      bytes += raw.length;
      if (bytes > MAX_RANGE_BYTES) throw tooLong({ bytes, most: MAX_RANGE_BYTES });
      frames.push(toHex(raw));
      if (seq === from) break;
      const prev = toHex(decodeFrame(raw).header.prev);
      at = places.framesAt(num, epoch, seq - 1n).find(({ hash }) => hash === prev)?.logIndex;
      if (frames.length % BREATH === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    return frames;
  }

  /** The batch at whose end nothing up to `seq` was missing any more. */
  #completing(num: number, { device, epoch, seq }: FrameName): ClosedBatch {
    const { places } = this.#from;
    const first = places.framesAt(num, epoch, seq)[0] as FramePlace;
    const batch = places.batchOfFrame(first.logIndex) as ClosedBatch;
    const head = entryOf(batch, device)?.head;
    // Of another epoch: then no later batch has this epoch's head either.
    if (head?.epoch !== epoch || head.contiguous >= seq) return batch;
    return places.batchOfFrame(places.completedAt(num, epoch, head.contiguous, seq)) as ClosedBatch;
  }

  /** The device's entry in the batch that completed the range: the first whose head is at or past its end. */
  async #headProof(device: Hex, epoch: number, to: bigint, batch: ClosedBatch): Promise<HeadProof> {
    const { stream } = this.#from;
    const at = this.#anchoredAt(batch);
    const found = entryOf(batch, device);
    const head = found?.head;
    if (found === undefined || head?.epoch !== epoch || head.contiguous < to) {
      throw new TenonError(
        "HeadSuperseded",
        "The batch that completed the range has the device's next epoch as its head",
        {
          args: {
            device,
            epoch,
            to,
            batch: batch.batch,
            head: head === undefined ? "none" : `epoch ${head.epoch}`,
          },
          remedy: "Ask for a range that ends earlier, or prove its frames one by one.",
        },
      );
    }
    const { entries, index } = found;
    const tree = new MerkleTree(entries.map(leafHash));
    return {
      entry: toHex(entries[index] as Uint8Array),
      index,
      size: entries.length,
      path: tree.path(index).map(toHex),
      root: toHex(tree.root),
      anchor: anchorDataOf(stream, batch),
      block: await this.#block(batch.batch, at),
    };
  }

  #placesOf({ device, epoch, seq }: FrameName) {
    const places = this.#from.places.framesAt(this.#num(device), epoch, seq);
    if (places.length > 0) return places;
    if (this.#isOpen({ device, epoch, seq })) throw notAnchored({ device, epoch, seq });
    throw new TenonError("FrameUnknown", "The log has no such frame", {
      args: { device, epoch, seq },
      remedy: "It has not arrived: `gaps` and /devices/:id list what is missing.",
    });
  }

  /** Whether the frame is stored, in the batch that is still open. */
  #isOpen({ device, epoch, seq }: FrameName): boolean {
    const { log, places } = this.#from;
    const first = closedFrames(places);
    if (first !== this.#open.first) this.#open = { first, next: first, names: new Set() };
    const open = this.#open;
    for (const { raw } of log.frames(open.next, log.nextFrame - open.next)) {
      const { header } = decodeFrame(raw);
      open.names.add(`${header.device}:${header.epoch}:${header.seq}`);
      open.next++;
    }
    return open.names.has(`${device}:${epoch}:${seq}`);
  }

  #num(device: Hex): number {
    const entry = this.#from.directory.get(device);
    if (entry !== undefined) return entry.num;
    throw new TenonError("DeviceUnknown", "The registry has no such device", {
      args: { device },
      remedy: "Check the id: 0x and 64 hex digits, the hash of the device's key.",
    });
  }

  #anchoredAt({ batch, first, count }: ClosedBatch): AnchoredAt {
    const at = this.#from.places.anchoredAt(batch);
    if (at !== undefined) return at;
    throw notAnchored({ batch, first, count });
  }

  #tree(batch: ClosedBatch): MerkleTree {
    return this.#trees.get(batch.batch, () => {
      const leaves = [...this.#from.log.frames(batch.first, batch.count)].map(({ raw }) => leafHash(raw));
      const tree = new MerkleTree(leaves);
      if (equalBytes(tree.root, batch.framesRoot)) return tree;
      throw new TenonError("BatchRootMismatch", "The log no longer makes up the batch's root", {
        args: {
          batch: batch.batch,
          frames: leaves.length,
          computed: toHex(tree.root),
          closed: toHex(batch.framesRoot),
        },
        remedy: "Run `verify`: it names the frame that changed.",
      });
    });
  }

  /** Path of a batch under its epoch root; empty until the epoch is sealed. Stays valid for ever, unlike the ring's. */
  #epochPath(batch: number): Hex[] {
    const { places, stream } = this.#from;
    const epoch = Math.floor(batch / EPOCH);
    if (places.lastAnchored() + 1 < (epoch + 1) * EPOCH) return [];
    const tree = this.#epochs.get(epoch, () => {
      const batches = places.batches(epoch * EPOCH, EPOCH);
      return new MerkleTree(
        batches.map((each) => leafHash(fromHex(commitmentOf(anchorDataOf(stream, each))))),
      );
    });
    return tree.path(batch % EPOCH).map(toHex);
  }

  #block(batch: number, at: AnchoredAt): Promise<BlockProof> {
    const proof = this.#blocks.get(batch, () =>
      buildBlockProof(this.#from.chain.provider, at.transaction, at.logIndex),
    );
    proof.catch(() => this.#blocks.delete(batch)); // asked again the next time
    return proof;
  }
}

function entriesOf({ heads }: ClosedBatch): Uint8Array[] {
  const count = heads.length / HEAD_LENGTH;
  return Array.from({ length: count }, (_, i) => heads.subarray(i * HEAD_LENGTH, (i + 1) * HEAD_LENGTH));
}

/** The device's head in a batch, and where it stands among the entries. */
function entryOf(batch: ClosedBatch, device: Hex) {
  const id = fromHex(device);
  const entries = entriesOf(batch);
  const index = entries.findIndex((entry) => equalBytes(entry.subarray(0, 32), id));
  const entry = entries[index];
  return entry && { entries, index, head: decodeHead(entry) };
}

function requireRange(from: bigint, to: bigint): void {
  if (from < 1n || to < from) {
    throw new TenonError("RangeInvalid", "Not a range of sequence numbers", {
      args: { from, to },
      remedy: "Sequence numbers begin at 1, and `to` is not before `from`.",
    });
  }
  if (to - from >= BigInt(MAX_RANGE_FRAMES))
    throw tooLong({ frames: to - from + 1n, most: MAX_RANGE_FRAMES });
}

function tooLong(args: Record<string, unknown>): TenonError {
  return new TenonError("RangeTooLong", "The range is too long for one proof", {
    args,
    remedy: "Ask for it in pieces: each is proven against the anchored head by itself.",
  });
}

function notAnchored(args: Record<string, unknown>): TenonError {
  return new TenonError("FrameNotAnchored", "The frame is stored and its batch is not anchored yet", {
    args,
    remedy: "Ask again in a few seconds; /readyz says what holds anchors up.",
  });
}

function closedFrames(places: Places): number {
  const last = places.batch(places.closed() - 1);
  return last === undefined ? 0 : last.first + last.count;
}

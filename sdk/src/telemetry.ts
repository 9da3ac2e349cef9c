import { decodeBytes32String, type Provider } from "ethers";
import { type AnchorData, anchorOfEvent, commitmentOf, EPOCH } from "./anchor.js";
import { fromHex, type Hex, toHex } from "./bytes.js";
import { addressOf, type Deployment } from "./deployment.js";
import { TenonError } from "./errors.js";
import type { DeviceKey, FrameHeader, Meter } from "./frame/index.js";
import type {
  FrameHeaderStructOutput,
  FrameProofStruct,
} from "./generated/typechain/contracts/telemetry/IFrameReader.js";
import { IAnchorLog__factory, IFrameReader__factory } from "./generated/typechain/index.js";
import { eventIn, findEvents, type LogPosition } from "./logs.js";
import { type Connection, type Operation, operation } from "./operation.js";
import { buildBlockProof } from "./proof/block.js";
import type { FrameProof } from "./proof/bundle.js";
import { leafHash, MerkleTree } from "./proof/merkle.js";
import { withTypedErrors } from "./revert.js";
import { rpcSource } from "./rpc.js";

/** The end of a stream. */
export interface StreamHead {
  /** The only account that may anchor. */
  readonly key: string;
  /** The key's role ends here, seconds since 1970; 0 when it has none. */
  readonly until: number;
  /** Number of the next batch. */
  readonly next: number;
  /** Frames anchored so far. */
  readonly size: bigint;
}

/** A batch and the event that tells of it. */
export interface AnchoredBatch extends AnchorData {
  readonly at: LogPosition;
}

/** What a contract reads of a frame's header (docs/frame.md). */
export type ReadHeader = Pick<
  FrameHeader,
  "algorithm" | "device" | "epoch" | "seq" | "prev" | "time" | "clock"
>;

/** A frame and its place in a batch: what an oracle knows before it looks at the chain. */
export interface FramePlace {
  readonly frame: Hex;
  readonly stream: number;
  readonly batch: number;
  /** Position within the batch, from 0. */
  readonly index: number;
  /** Path under the batch's frames root. */
  readonly path: readonly Hex[];
}

/** What FrameReader needs of a proof; a `FrameProof` has it all. */
export type ReadableProof = Pick<FrameProof, "frame" | "anchor" | "index" | "path" | "epochPath">;

/** Anchored device frames. Writes are lazy: nothing is sent before `send` or `wait`. */
export interface Telemetry {
  /** The end of a stream. Throws `StreamUnknown`. */
  head(stream: number): Promise<StreamHead>;
  /** Appends a batch. Sender: the stream's key. Oracles do this; they keep the signed transaction besides. */
  anchor(batch: AnchorData): Operation<AnchoredBatch>;
  /** A batch as it was anchored, from our contract's events. Throws `BatchUnknown`. */
  batch(stream: number, batch: number): Promise<AnchoredBatch>;
  /**
   * The batch's path under its epoch root, computed from the epoch's 1,024 events and held against the root on chain.
   * Empty while the epoch is not sealed: the contract still has the batch itself.
   */
  epochPath(stream: number, batch: number): Promise<Hex[]>;
  /** Adds to a frame's place what the chain knows: anchor, epoch path, and proof of the block. Its proof never goes stale. */
  completeProof(place: FramePlace): Promise<FrameProof>;
  /**
   * Lets FrameReader check a proof; returns the frame's header. With the device's key the contract checks the
   * device's signature too. Throws what a contract relying on it would revert with.
   */
  verifyFrame(proof: ReadableProof, deviceKey?: DeviceKey): Promise<ReadHeader>;
  /** Lets FrameReader read a meter frame. Does not say whether the frame is genuine. Throws `FrameNotMeter`. */
  readMeter(frame: Hex | Uint8Array): Promise<ReadHeader & { meter: Meter }>;
}

const abi = IAnchorLog__factory.createInterface();

export function telemetryOf(connection: Connection, deployment: Deployment): Telemetry {
  const { provider } = connection;
  const address = addressOf(deployment, "AnchorLog");
  const log = IAnchorLog__factory.connect(address, provider);
  const reader = IFrameReader__factory.connect(addressOf(deployment, "FrameReader"), provider);
  const fromBlock = deployment.contracts.AnchorLog.block;

  const head = async (stream: number): Promise<StreamHead> => {
    const { key, untilHour, next, size } = await log.head(stream);
    if (/^0x0{40}$/.test(key)) throw unknown("StreamUnknown", { stream }, "Use a stream that was opened.");
    return { key, until: 3600 * Number(untilHour), next: Number(next), size };
  };
  const batch = async (stream: number, number: number): Promise<AnchoredBatch> => {
    const [found] = await findEvents(provider, {
      address,
      abi,
      event: "Anchored",
      args: [stream, number],
      fromBlock,
    });
    if (found !== undefined) return { ...anchorOfEvent(found.event.args), at: found.at };
    const { next } = await head(stream);
    throw unknown("BatchUnknown", { stream, batch: number, next }, "Wait until the batch is anchored.");
  };
  const epochPath = async (stream: number, number: number): Promise<Hex[]> => {
    const epoch = Math.floor(number / EPOCH);
    const { next } = await head(stream);
    if (number >= next)
      throw unknown("BatchUnknown", { stream, batch: number, next }, "Wait until it is anchored.");
    if (next < (epoch + 1) * EPOCH) return [];
    const leaves = (await epochAnchors(provider, address, fromBlock, { stream, epoch })).map((anchor) =>
      leafHash(fromHex(commitmentOf(anchor))),
    );
    const tree = new MerkleTree(leaves);
    const root = await log.epochRoot(stream, epoch);
    if (toHex(tree.root) !== root) throw incomplete(stream, epoch, leaves.length, toHex(tree.root), root);
    return tree.path(number % EPOCH).map(toHex);
  };

  return {
    head,
    batch,
    epochPath,
    anchor: ({ stream, ...anchor }) =>
      operation(
        connection,
        { to: address, data: abi.encodeFunctionData("anchor", [stream, anchor]) },
        (logs) => {
          const { event, at } = eventIn(logs, abi, "Anchored");
          return { ...anchorOfEvent(event.args), at };
        },
      ),
    completeProof: async ({ frame, stream, batch: number, index, path }) => {
      const { at, ...anchor } = await batch(stream, number);
      return {
        version: 1,
        chainId: String(deployment.chainId),
        genesisHash: deployment.genesisHash,
        anchorLog: address,
        registry: addressOf(deployment, "DeviceRegistry"),
        frame,
        index,
        path,
        anchor,
        epochPath: await epochPath(stream, number),
        block: await buildBlockProof(rpcSource(provider), at.transaction, at.logIndex),
      };
    },
    verifyFrame: (proof, deviceKey) =>
      withTypedErrors(async () => {
        const call = readerCall(proof);
        if (deviceKey === undefined) return readHeader(await reader.verify(call));
        return readHeader(await reader.verifySigned(call, deviceKey.x, deviceKey.y));
      }),
    readMeter: (frame) =>
      withTypedErrors(async () => {
        const [header, meter] = await reader.readMeter(frame);
        const [name, unit] = [decodeBytes32String(meter.name), decodeBytes32String(meter.unit)];
        return { ...readHeader(header), meter: { name, unit, value: meter.value, time: meter.time } };
      }),
  };
}

/** The batches of a sealed epoch in order, from the events between the two sealings around it. */
async function epochAnchors(
  provider: Provider,
  address: string,
  fromBlock: number,
  { stream, epoch }: { stream: number; epoch: number },
): Promise<AnchorData[]> {
  const query = { address, abi, fromBlock };
  const sealedIn = async (number: number) => {
    const [sealed] = await findEvents(provider, { ...query, event: "EpochSealed", args: [stream, number] });
    return sealed?.at.block;
  };
  const start = epoch === 0 ? fromBlock : ((await sealedIn(epoch - 1)) ?? fromBlock);
  const end = await sealedIn(epoch);
  const between = { ...query, fromBlock: start, ...(end === undefined ? {} : { toBlock: end }) };
  const found = await findEvents(provider, { ...between, event: "Anchored", args: [stream] });
  return found
    .map(({ event }) => anchorOfEvent(event.args))
    .filter(({ batch }) => Math.floor(batch / EPOCH) === epoch);
}

function readerCall({ frame, anchor, index, path, epochPath }: ReadableProof): FrameProofStruct {
  const { stream, ...rest } = anchor;
  return { frame, stream, anchor: rest, index, path: [...path], epochPath: [...epochPath] };
}

const clocks = ["unset", "free-running", "synced"] as const;

function readHeader(header: FrameHeaderStructOutput): ReadHeader {
  return {
    device: header.device as Hex,
    algorithm: Number(header.algorithm) as ReadHeader["algorithm"],
    epoch: Number(header.epoch),
    seq: header.seq,
    prev: fromHex(header.prev),
    time: header.time,
    clock: clocks[Number(header.clock)] as ReadHeader["clock"],
  };
}

function unknown(code: string, args: Record<string, unknown>, remedy: string): TenonError {
  return new TenonError(code, "The chain does not know it", { args, remedy });
}

function incomplete(stream: number, epoch: number, events: number, computed: Hex, root: string): TenonError {
  return new TenonError("EpochLogsIncomplete", "The node's events do not make up the epoch's root", {
    args: { stream, epoch, events, expectedEvents: EPOCH, computed, root },
    remedy: "Ask a node that keeps all receipts.",
  });
}

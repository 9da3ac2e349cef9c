import { hash } from "node:crypto";
import { equalBytes, type Hex, toHex } from "@tenon/sdk/bytes";
import {
  decodeFrame,
  type Frame,
  frameAad,
  frameHash,
  importDeviceKey,
  verifyFrame,
} from "@tenon/sdk/frame/index";
import { headsTree } from "@tenon/sdk/proof/heads";
import { leafHash, sizedRoot } from "@tenon/sdk/proof/merkle";
import { encodeReject } from "@tenon/sdk/proof/rejects";
import { TreeHead } from "../batch/tree-head.js";
import type { AnchoredEvent } from "../chain/anchor-log.js";
import { anchorDataOf, differences } from "../chain/anchor-log.js";
import {
  type BatchRecord,
  FRAME,
  type FrameRecord,
  type LogRecord,
  REJECT,
  type RejectRecord,
} from "../log/record.js";
import type { Places } from "../proofs/places.js";
import { openState, transaction } from "../state/db.js";
import { DeviceTracker } from "../state/tracker.js";
import { type ClosedBatch, type DeviceDirectory, keysFor } from "../state/types.js";
import type { Findings } from "./report.js";

/** What the log is held against. */
export interface Expected {
  stream: number;
  /** From the registry's events, not from the state folder. */
  directory: DeviceDirectory;
  domain: { chainId: bigint; registry: Hex };
  /** The state database; undefined when there is none. */
  places: Places | undefined;
  /** `Anchored` events by batch. */
  anchored: ReadonlyMap<number, AnchoredEvent>;
  readFrame: (index: number) => FrameRecord;
}

/** A frame by its place in the log and by the device's own number. */
interface FrameName {
  logIndex: number;
  device: Hex;
  epoch: number;
  seq: bigint;
}

/** The batch that is being put together again. */
class Rebuilt {
  readonly frames = new TreeHead();
  readonly rejects = new TreeHead();
  readonly touched = new Set<number>();
  minTime = Number.POSITIVE_INFINITY;
  maxTime = 0;
}

/**
 * Rebuilds every batch from the records of a log, in order, and notes whatever is not as the chain, the state
 * database or the log itself says. Goes on after a difference, so that one fault does not hide another.
 */
export class Rebuild {
  frames = 0;
  rejects = 0;
  batches = 0;
  readonly #expected: Expected;
  readonly #findings: Findings;
  readonly #aad: Uint8Array;
  readonly #db = openState(":memory:");
  readonly #tracker: DeviceTracker;
  readonly #devices = new Map<number, Hex>();
  #open = new Rebuilt();
  /** True once a frame stood at another index than in the database; those behind it follow. */
  #displaced = false;

  constructor(expected: Expected, findings: Findings) {
    this.#expected = expected;
    this.#findings = findings;
    this.#aad = frameAad(expected.domain);
    this.#tracker = new DeviceTracker(this.#db, (index) => {
      const { raw, receivedAt } = expected.readFrame(index);
      return { prev: decodeFrame(raw).header.prev, receivedAt };
    });
  }

  take(record: LogRecord): void {
    if (record.type === FRAME) this.#frame(record);
    else if (record.type === REJECT) this.#reject(record);
    else this.#batch(record);
  }

  close(): void {
    this.#db.close();
  }

  #frame(record: FrameRecord): void {
    const { index, raw, receivedAt } = record;
    if (index > this.frames && !this.#displaced) this.#missingFrames(this.frames, index);
    this.frames = index + 1;
    const open = this.#open;
    open.frames.append(leafHash(raw));
    open.minTime = Math.min(open.minTime, receivedAt);
    open.maxTime = Math.max(open.maxTime, receivedAt);

    const frame = this.#decode(record);
    if (frame === undefined) return;
    const { device, epoch, seq, prev } = frame.header;
    const entry = this.#expected.directory.get(device);
    const name = { logIndex: index, device, epoch, seq };
    if (entry === undefined) {
      const message = `frame ${index} is of device ${device}, which the registry does not know`;
      this.#findings.add({ part: "frame", message, ...name });
      return;
    }
    if (!keysFor(entry, epoch).some((key) => verifyFrame(frame, this.#aad, importDeviceKey(key)))) {
      const message = `frame ${shown(name)} is not what the device signed`;
      this.#findings.add({ part: "frame", message, ...name });
    }
    open.touched.add(entry.num);
    this.#devices.set(entry.num, device);
    const digest = frameHash(frame, this.#aad);
    this.#checkPlace(entry.num, digest, name);
    const arrival = { num: entry.num, device, epoch, seq, hash: digest, prev, index, receivedAt };
    // What stands in the log was accepted: the limits on how much of a device is kept are not asked again.
    if (this.#tracker.judge(arrival) !== "duplicate") this.#tracker.record(arrival);
    else
      this.#findings.add({ part: "frame", message: `frame ${index} is in the log a second time`, ...name });
  }

  #decode({ raw, index }: FrameRecord): Frame | undefined {
    try {
      return decodeFrame(raw);
    } catch (error) {
      const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
      this.#findings.add({
        part: "frame",
        message: `frame ${index} cannot be read: ${reason}`,
        logIndex: index,
      });
      return undefined;
    }
  }

  /** The database knows where each frame of a closed batch stands, and its hash. */
  #checkPlace(num: number, digest: Uint8Array, name: FrameName): void {
    const { places } = this.#expected;
    if (places?.batchOfFrame(name.logIndex) === undefined) return;
    const known = places.framesAt(num, name.epoch, name.seq);
    const here = known.find(({ logIndex }) => logIndex === name.logIndex);
    if (here?.hash === toHex(digest)) return;
    if (here !== undefined) {
      const message = `frame ${shown(name)} has hash ${toHex(digest)}, the database has ${here.hash} for it`;
      this.#findings.add({ part: "frame", message, ...name });
    } else if (this.#displaced) {
      this.#findings.consequences += 1;
    } else {
      this.#displaced = true;
      const stood = places.frameOf(name.logIndex);
      const expected = stood === undefined ? "another frame" : shown({ logIndex: name.logIndex, ...stood });
      const message = `where frame ${expected} stood, the log has seq ${name.seq} of device ${name.device}: a frame was removed or moved`;
      this.#findings.add({ part: "frame", message, ...name, ...stood });
    }
  }

  /** Names frames that the log lost, as well as the database knows them. */
  #missingFrames(from: number, to: number): void {
    const { places } = this.#expected;
    for (let logIndex = from; logIndex < Math.min(to, from + 100); logIndex++) {
      const name = places?.frameOf(logIndex);
      const who = name === undefined ? "" : ` (device ${name.device}, epoch ${name.epoch}, seq ${name.seq})`;
      const batch = this.batches;
      this.#findings.add({
        part: "frame",
        message: `frame ${logIndex}${who} is missing from the log`,
        logIndex,
        batch,
        ...name,
      });
    }
    if (to > from + 100) {
      const message = `frames ${from + 100} to ${to - 1} are missing from the log`;
      this.#findings.add({ part: "frame", message, logIndex: from + 100 });
    }
  }

  #wrongCount({ index, first, count }: BatchRecord, found: number): void {
    const message = `batch ${index} has ${found} frames in the log and was closed with ${count}, from frame ${first}`;
    this.#findings.add({ part: "batch", message, batch: index });
    const end = first + count;
    if (!this.#displaced && this.frames < end) this.#missingFrames(this.frames, end);
  }

  /** In a batch that lost frames, what the devices' own numbers say is missing. */
  #nameGaps({ index, first }: BatchRecord): void {
    const query = this.#db.prepare(
      "SELECT * FROM facts WHERE kind = 'gap' AND closed_index IS NULL AND log_index >= ? ORDER BY id LIMIT 20",
    );
    query.setReadBigInts(true);
    for (const row of query.all(first)) {
      const device = this.#devices.get(Number(row.device_num)) as Hex;
      const [seq, seqTo] = [row.seq as bigint, row.seq_to as bigint];
      const which = seq === seqTo ? `${seq}` : `${seq} to ${seqTo}`;
      const message = `seq ${which} of device ${device}, epoch ${row.epoch}, is missing: frame ${row.log_index} follows it`;
      this.#findings.add({ part: "frame", message, batch: index, device, epoch: Number(row.epoch), seq });
    }
  }

  #reject(record: RejectRecord): void {
    const { index, receivedAt, reason, source, rawLength: length, rawHash, raw } = record;
    if (index !== this.rejects) {
      this.#findings.add({
        part: "reject",
        message: `rejects ${this.rejects} to ${index - 1} are missing from the log`,
      });
    }
    this.rejects = index + 1;
    if (raw.length > 0 && !equalBytes(hash("sha256", raw, "buffer"), rawHash)) {
      this.#findings.add({
        part: "reject",
        message: `reject ${index} does not have the bytes that were hashed`,
      });
    }
    const entry = {
      index: BigInt(index),
      receivedAt: BigInt(receivedAt),
      reason,
      source,
      length,
      hash: rawHash,
    };
    this.#open.rejects.append(leafHash(encodeReject(entry)));
  }

  #batch(record: BatchRecord): void {
    const { index, first, count } = record;
    if (index !== this.batches) {
      const message = `the log goes from batch ${this.batches - 1} to batch ${index}`;
      this.#findings.add({ part: "batch", message, batch: index });
    }
    const found = this.#open.frames.size;
    if (found !== count) this.#wrongCount(record, found);
    const rebuilt = this.#seal(record);
    const places = this.#expected.places;
    const event = this.#expected.anchored.get(index);
    this.#compare(rebuilt, recordedBatch(record, rebuilt), "the log's own record");
    if (places !== undefined) this.#compare(rebuilt, places.batch(index), "the database");
    if (event !== undefined)
      this.#compareFields(
        rebuilt,
        differences(anchorDataOf(this.#expected.stream, rebuilt), event.content),
        "the chain",
      );
    transaction(this.#db, () => this.#tracker.save());
    this.#tracker.saved();
    if (found !== count) this.#nameGaps(record);
    // What follows is judged by itself, whatever was wrong here.
    this.batches = index + 1;
    this.frames = first + count;
    this.#open = new Rebuilt();
  }

  #seal(record: BatchRecord): ClosedBatch {
    const { frames, rejects, touched, minTime, maxTime } = this.#open;
    const heads = headsTree(
      [...touched].map((num) => this.#tracker.newestHead(num)).filter((head) => head !== undefined),
    );
    return {
      batch: record.index,
      first: record.first,
      count: frames.size,
      minTime: Math.floor(minTime / 1_000),
      maxTime: Math.floor(maxTime / 1_000),
      framesRoot: frames.root(),
      headsRoot: heads.root,
      rejectsRoot: sizedRoot(rejects.root(), rejects.size),
      heads: new Uint8Array(),
      rejectFirst: record.rejectFirst,
      rejectCount: rejects.size,
      closedAt: record.receivedAt,
    };
  }

  #compare(rebuilt: ClosedBatch, stored: ClosedBatch | undefined, where: string): void {
    const { batch } = rebuilt;
    if (stored === undefined) {
      this.#findings.add({ part: "database", message: `${where} does not have batch ${batch}`, batch });
      return;
    }
    const { stream } = this.#expected;
    this.#compareFields(
      rebuilt,
      differences(anchorDataOf(stream, rebuilt), anchorDataOf(stream, stored)),
      where,
    );
  }

  #compareFields({ batch }: ClosedBatch, fields: string[], where: string): void {
    if (fields.length === 0) return;
    if (fields.length === 1 && fields[0] === "headsRoot" && this.#findings.brokenFrames) {
      this.#findings.consequences += 1;
      return;
    }
    const message = `batch ${batch}: ${fields.join(", ")} rebuilt from the log differ from ${where}`;
    this.#findings.add({ part: "batch", message, batch });
  }
}

function shown({ logIndex, device, epoch, seq }: FrameName): string {
  return `${logIndex} (device ${device}, epoch ${epoch}, seq ${seq})`;
}

/** The log's record of a batch keeps no window: that of the rebuilt batch stands in. */
function recordedBatch(record: BatchRecord, rebuilt: ClosedBatch): ClosedBatch {
  const { first, count, framesRoot, headsRoot, rejectsRoot } = record;
  return { ...rebuilt, first, count, framesRoot, headsRoot, rejectsRoot };
}

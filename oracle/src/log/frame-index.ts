import { TenonError } from "@tenon/sdk/errors";
import { FRAME, type FrameRecord, readRecord, recordEnd } from "./record.js";
import { logCorrupt, readAt, type Segment, STRIDE } from "./segment.js";

/** Strides whose offsets are kept, 256 frames each. */
const KEPT = 256;
/** Length, checksum, type, lane, commit, index. */
const START = 20;

/**
 * Reads one frame of the log without the records before it. The footer has every 256th frame's place; those between
 * are found once by walking over the records' lengths, and kept for the strides asked for last.
 */
export class FrameIndex {
  readonly #strides = new Map<string, number[]>();

  /** @throws TenonError LogCorrupt */
  read(fd: number, segment: Segment, index: number): FrameRecord {
    const place = index - segment.firstFrame;
    const offset = this.#offsets(fd, segment, Math.floor(place / STRIDE))[place % STRIDE];
    if (offset === undefined) throw logCorrupt(segment.path, segment.size, `frame ${index} is not found`);
    const bytes = readAt(fd, offset, 8 + readAt(fd, offset, 4).readUInt32BE(0));
    const end = recordEnd(bytes, 0);
    if (end < 0) throw logCorrupt(segment.path, offset, "the checksum of the record does not hold");
    const { record } = readRecord(bytes, 0, end, offset);
    if (record.type === FRAME && record.index === index) return record;
    throw logCorrupt(segment.path, offset, `not frame ${index}`);
  }

  #offsets(fd: number, segment: Segment, stride: number): number[] {
    const name = `${segment.number}:${stride}`;
    const known = this.#strides.get(name);
    this.#strides.delete(name);
    const offsets = known ?? walk(fd, segment, stride);
    // The last stride of the open segment still grows.
    if (offsets.length === STRIDE || segment.sealed) this.#strides.set(name, offsets);
    for (const oldest of this.#strides.keys()) {
      if (this.#strides.size <= KEPT) break;
      this.#strides.delete(oldest);
    }
    return offsets;
  }
}

function walk(fd: number, segment: Segment, stride: number): number[] {
  const offsets: number[] = [];
  let at = segment.offsets[stride] ?? segment.size;
  while (at < segment.size && offsets.length < STRIDE) {
    const start = readAt(fd, at, START);
    if (start.length < START) break;
    if (start.readUInt8(8) === FRAME) offsets.push(at);
    at += 8 + start.readUInt32BE(0);
  }
  return offsets;
}

export function frameUnknown(index: number, frames: number): TenonError {
  return new TenonError("LogIndexUnknown", "The log has no frame of that index.", {
    args: { index, frames },
  });
}

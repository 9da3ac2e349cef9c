import { isUtf8 } from "node:buffer";
import { FrameError } from "./error.js";
import { floatWidth, fromHalf, toHalf } from "./float.js";

/** CBOR major types (RFC 8949 §3.1). */
export const Major = {
  uint: 0,
  negative: 1,
  bytes: 2,
  text: 3,
  array: 4,
  map: 5,
  tag: 6,
  simple: 7,
} as const;

const NAMES = [
  "unsigned integer",
  "negative integer",
  "byte string",
  "text",
  "array",
  "map",
  "tag",
  "simple or float",
];
const TWO_32 = 0x1_0000_0000;

const scratch = new DataView(new ArrayBuffer(8));

/**
 * Reads deterministic CBOR (RFC 8949 §4.2.1) head by head, without building values: each method checks one item
 * and leaves it in the reader, and the getters turn it into a JavaScript value for those who want it. Nothing is allocated
 * on behalf of a declared length, so a hostile length costs nothing.
 */
export class CborReader {
  readonly bytes: Uint8Array;
  position: number;
  /** Where the enclosing byte string, or the input, ends. */
  end: number;

  private major = 0;
  private info = 0;
  private high = 0;
  private low = 0;
  private float = 0;
  private start = 0;

  constructor(bytes: Uint8Array, position = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
  }

  /** Reads one head: major type and argument, in shortest form. */
  private head(): void {
    const { bytes, position } = this;
    if (position >= this.end) this.truncated(1);
    const first = bytes[position]!;
    this.major = first >> 5;
    this.info = first & 31;
    this.high = 0;
    this.low = this.info;
    this.position = position + 1;
    if (this.info < 24) return;
    if (this.info > 27) this.refuseInfo(position);
    this.wideArgument(position);
  }

  private wideArgument(position: number): void {
    const { bytes, info } = this;
    const width = 1 << (info - 24);
    if (position + 1 + width > this.end) this.truncated(width);
    let low = 0;
    for (let i = 0; i < width; i++) {
      if (i === 4) {
        this.high = low;
        low = 0;
      }
      low = low * 256 + bytes[position + 1 + i]!;
    }
    this.low = low;
    this.position = position + 1 + width;
    if (this.major !== Major.simple) this.requireShortest(position);
  }

  private requireShortest(position: number): void {
    const { info, low } = this;
    const wasted =
      info === 27 ? this.high === 0 : info === 26 ? low < 0x1_0000 : info === 25 ? low < 0x100 : low < 24;
    if (wasted)
      throw new FrameError("FrameNotCanonical", "A number is not in its shortest form", { offset: position });
  }

  private refuseInfo(position: number): never {
    if (this.info === 31 && this.major >= Major.bytes && this.major !== Major.tag) {
      throw new FrameError("FrameNotCanonical", "An indefinite length", { offset: position });
    }
    throw new FrameError("FrameMalformed", "Not CBOR: a reserved initial byte", { offset: position });
  }

  private truncated(wanted: number): never {
    throw new FrameError("FrameTruncated", "The bytes end inside an item", {
      offset: this.position,
      wanted,
      left: this.end - this.position,
    });
  }

  private refuse(expected: string, offset: number): never {
    const nested = this.major === Major.array || this.major === Major.map || this.major === Major.tag;
    throw new FrameError(nested ? "FrameTooDeep" : "FrameMalformed", `Expected ${expected}`, {
      offset,
      found: NAMES[this.major],
    });
  }

  private expect(major: number, expected: string): void {
    const offset = this.position;
    this.head();
    if (this.major !== major) this.refuse(expected, offset);
  }

  /** Reads the head of an array, map or tag, which must be exactly this one. */
  exact(major: number, argument: number, expected: string): void {
    const offset = this.position;
    this.head();
    if (this.major !== major || this.high !== 0 || this.low !== argument) {
      throw new FrameError("FrameMalformed", `Expected ${expected}`, { offset, found: NAMES[this.major] });
    }
  }

  /** Reads the head of an array or map of `min` to `max` items and returns their number. */
  count(major: number, min: number, max: number, expected: string): number {
    const offset = this.position;
    this.expect(major, expected);
    if (this.high !== 0 || this.low < min || this.low > max) {
      throw new FrameError("FrameValueOutOfRange", `${expected}: too many or too few`, { offset, min, max });
    }
    return this.low;
  }

  /** Reads an unsigned integer below 2^63. Its value: `asNumber` up to 2^53, or `asBigInt`. */
  uint(name: string): void {
    const offset = this.position;
    this.expect(Major.uint, `${name}: an unsigned integer`);
    if (this.high >= 0x8000_0000) this.outOfRange(name, offset);
  }

  /** Reads a signed integer that fits 64 bits. */
  int(name: string): void {
    const offset = this.position;
    this.head();
    if (this.major > Major.negative) this.refuse(`${name}: an integer`, offset);
    if (this.high >= 0x8000_0000) this.outOfRange(name, offset);
  }

  /** Reads an unsigned integer between `min` and `max`, both exact numbers. */
  uintWithin(name: string, min: number, max: number): number {
    const offset = this.position;
    this.uint(name);
    const value = this.asNumber();
    if (value < min || value > max) this.outOfRange(name, offset);
    return value;
  }

  /** Reads an integer that fits 64 bits, or a finite float in its shortest form. */
  number(name: string): void {
    const offset = this.position;
    this.head();
    if (this.major === Major.simple && this.info >= 25) this.checkFloat(offset);
    else if (this.major > Major.negative) this.refuse(`${name}: a number`, offset);
    else if (this.high >= 0x8000_0000) this.outOfRange(name, offset);
  }

  private checkFloat(offset: number): void {
    if (this.info === 25) {
      this.float = fromHalf(this.low);
    } else if (this.info === 26) {
      scratch.setUint32(0, this.low);
      this.float = scratch.getFloat32(0);
    } else {
      scratch.setUint32(0, this.high);
      scratch.setUint32(4, this.low);
      this.float = scratch.getFloat64(0);
    }
    if (!Number.isFinite(this.float)) {
      throw new FrameError("FrameValueOutOfRange", "A number is not finite", { offset, found: this.float });
    }
    if (floatWidth(this.float) < 1 << (this.info - 24)) {
      throw new FrameError("FrameNotCanonical", "A float is not in its shortest form", { offset });
    }
  }

  boolean(name: string): boolean {
    const offset = this.position;
    this.head();
    const simple = this.major === Major.simple && this.position === offset + 1;
    if (!simple || (this.low !== 20 && this.low !== 21)) this.refuse(`${name}: true or false`, offset);
    return this.low === 21;
  }

  /** Skips a null if one is next. */
  isNull(): boolean {
    if (this.position >= this.end || this.bytes[this.position] !== 0xf6) return false;
    this.position += 1;
    return true;
  }

  /** Reads a byte string of `min` to `max` bytes; `slice` is its content. */
  byteString(name: string, min: number, max: number): void {
    const offset = this.position;
    this.expect(Major.bytes, `${name}: a byte string`);
    this.content(name, offset, min, max);
  }

  /** Reads UTF-8 text of `min` to `max` bytes; `asText` is its value. */
  text(name: string, min: number, max: number): void {
    const offset = this.position;
    this.expect(Major.text, `${name}: text`);
    this.content(name, offset, min, max);
    for (let i = this.start; i < this.position; i++) {
      if (this.bytes[i]! < 0x80) continue;
      if (isUtf8(this.slice())) return;
      throw new FrameError("FrameMalformed", `${name}: not UTF-8`, { offset });
    }
  }

  private content(name: string, offset: number, min: number, max: number): void {
    // Running past the end is said first: it is what a cut transmission looks like.
    if (this.high !== 0 || this.low > this.end - this.position) this.truncated(this.asNumber());
    if (this.low < min || this.low > max) this.outOfRange(`length of ${name}`, offset);
    this.start = this.position;
    this.position += this.low;
  }

  private outOfRange(name: string, offset: number): never {
    throw new FrameError("FrameValueOutOfRange", `${name} is out of range`, {
      offset,
      found: this.asBigInt(),
    });
  }

  /** Reads a map key, an integer of one byte, and returns that byte; −1 when the key is anything else. */
  smallKey(): number {
    const offset = this.position;
    this.head();
    return this.major <= Major.negative && this.position === offset + 1 ? this.bytes[offset]! : -1;
  }

  /** Requires that everything up to `end` was read. */
  finish(what: string): void {
    if (this.position === this.end) return;
    throw new FrameError("FrameTrailingBytes", `Bytes follow ${what}`, {
      offset: this.position,
      left: this.end - this.position,
    });
  }

  /** The content of the string last read, as a view. */
  slice(): Uint8Array {
    return this.bytes.subarray(this.start, this.position);
  }

  asText(): string {
    return Buffer.from(
      this.bytes.buffer,
      this.bytes.byteOffset + this.start,
      this.position - this.start,
    ).toString("utf8");
  }

  /** The argument last read, rounded to a double when above 2^53. */
  asNumber(): number {
    return this.high * TWO_32 + this.low;
  }

  /** The integer last read. */
  asBigInt(): bigint {
    const argument = this.high === 0 ? BigInt(this.low) : (BigInt(this.high) << 32n) | BigInt(this.low);
    return this.major === Major.negative ? -1n - argument : argument;
  }

  /** The number last read: a bigint when it was encoded as an integer, a number when it was a float. */
  asValue(): number | bigint {
    return this.major === Major.simple ? this.float : this.asBigInt();
  }
}

/** Writes deterministic CBOR into one growing buffer. */
export class CborWriter {
  private buffer = Buffer.allocUnsafe(512);
  private length = 0;

  private reserve(size: number): void {
    if (this.length + size <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(2 * this.buffer.length, this.length + size));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }

  head(major: number, argument: bigint | number): this {
    this.reserve(9);
    const first = major << 5;
    const { buffer, length } = this;
    if (argument < 24) this.length = buffer.writeUInt8(first | Number(argument), length);
    else if (argument < 0x100)
      this.length = buffer.writeUInt16BE(((first | 24) << 8) | Number(argument), length);
    else if (argument < 0x1_0000)
      this.length = buffer.writeUInt16BE(Number(argument), this.byte(first | 25).length);
    else if (argument < TWO_32)
      this.length = buffer.writeUInt32BE(Number(argument), this.byte(first | 26).length);
    else this.length = buffer.writeBigUInt64BE(BigInt(argument), this.byte(first | 27).length);
    return this;
  }

  private byte(value: number): this {
    this.reserve(1);
    this.length = this.buffer.writeUInt8(value, this.length);
    return this;
  }

  int(value: bigint | number): this {
    return value < 0 ? this.head(Major.negative, -1n - BigInt(value)) : this.head(Major.uint, value);
  }

  bytes(value: Uint8Array): this {
    return this.head(Major.bytes, value.length).raw(value);
  }

  text(value: string): this {
    const encoded = Buffer.from(value, "utf8");
    return this.head(Major.text, encoded.length).raw(encoded);
  }

  boolean(value: boolean): this {
    return this.byte(value ? 0xf5 : 0xf4);
  }

  null(): this {
    return this.byte(0xf6);
  }

  /** A finite double in the shortest of the three forms that keeps its value. */
  float(value: number): this {
    const width = floatWidth(value);
    this.reserve(9);
    if (width === 2) this.length = this.buffer.writeUInt16BE(toHalf(value), this.byte(0xf9).length);
    else if (width === 4) this.length = this.buffer.writeFloatBE(value, this.byte(0xfa).length);
    else this.length = this.buffer.writeDoubleBE(value, this.byte(0xfb).length);
    return this;
  }

  raw(value: Uint8Array): this {
    this.reserve(value.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
    return this;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return new Uint8Array(this.buffer.subarray(0, this.length));
  }
}

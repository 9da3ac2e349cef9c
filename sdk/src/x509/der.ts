import { CertificateError } from "./error.js";

/** Tags of DER that certificates use; context tags are 0x80 + n, or 0xa0 + n where they hold other values. */
export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One value: its tag, its content, and the whole of it as it stood. */
export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly bytes: Uint8Array;
}

/**
 * Reads DER (X.690) value by value. Strict: one-byte tags, definite lengths in their shortest form, nothing behind the
 * last value. Lengths are checked before anything is read, so a hostile one costs nothing.
 */
export class DerReader {
  #position = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** The tag of the next value; undefined at the end. */
  get tag(): number | undefined {
    return this.bytes[this.#position];
  }

  /** Reads the next value, which must have this tag. `name` says in errors what was expected. */
  read(tag: number, name: string): DerValue {
    if (this.tag !== tag) throw malformed(`${name} is missing`, { expectedTag: tag, found: this.tag });
    return this.any(name);
  }

  /** Reads the next value when it has this tag. */
  optional(tag: number, name: string): DerValue | undefined {
    return this.tag === tag ? this.read(tag, name) : undefined;
  }

  /** Reads the next value, whatever it is. */
  any(name: string): DerValue {
    const { bytes } = this;
    const start = this.#position;
    const tag = bytes[start];
    if (tag === undefined) throw malformed(`${name} is missing`, { offset: start });
    if ((tag & 0x1f) === 0x1f) throw malformed(`${name} has a long tag`, { offset: start });
    const { length, from } = this.#length(start + 1, name);
    if (length > bytes.length - from) throw malformed(`${name} is cut off`, { offset: start, length });
    this.#position = from + length;
    return {
      tag,
      content: bytes.subarray(from, from + length),
      bytes: bytes.subarray(start, from + length),
    };
  }

  /** Holds that nothing follows. */
  end(name: string): void {
    if (this.tag !== undefined) throw malformed(`${name} has more in it`, { offset: this.#position });
  }

  #length(at: number, name: string): { length: number; from: number } {
    const first = this.bytes[at];
    if (first === undefined) throw malformed(`${name} is cut off`, { offset: at });
    if (first < 0x80) return { length: first, from: at + 1 };
    const count = first - 0x80;
    const digits = this.bytes.subarray(at + 1, at + 1 + count);
    if (count === 0 || count > 3 || digits.length < count) {
      throw malformed(`${name} has no definite length below 16 MiB`, { offset: at });
    }
    const length = digits.reduce((sum, digit) => 256 * sum + digit, 0);
    const shortest = length >= 0x80 && digits[0] !== 0;
    if (!shortest) throw malformed(`${name} has a length that is not in its shortest form`, { offset: at });
    return { length, from: at + 1 + count };
  }
}

/** The dotted form of an object identifier. */
export function oidText(content: Uint8Array): string {
  const arcs: bigint[] = [];
  let arc = 0n;
  for (const [i, byte] of content.entries()) {
    if (arc === 0n && byte === 0x80) throw malformed("An object identifier is padded", {});
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    const last = (byte & 0x80) === 0;
    if (last) arcs.push(arc);
    if (!last && i === content.length - 1) throw malformed("An object identifier is cut off", {});
    if (last) arc = 0n;
  }
  const first = arcs.shift();
  if (first === undefined) throw malformed("An object identifier is empty", {});
  const root = first < 80n ? first / 40n : 2n;
  return [root, first - 40n * root, ...arcs].join(".");
}

/** A DER INTEGER that is not negative. */
export function unsigned(content: Uint8Array, name: string): bigint {
  const [first, second] = content;
  if (first === undefined || first >= 0x80) throw malformed(`${name} is no number from 0 on`, {});
  if (first === 0 && second !== undefined && second < 0x80) throw malformed(`${name} is padded`, {});
  return BigInt(`0x${Buffer.from(content).toString("hex")}`);
}

/** The bits of a BIT STRING that is made of whole bytes. */
export function wholeBytes(content: Uint8Array, name: string): Uint8Array {
  if (content[0] !== 0) throw malformed(`${name} is not made of whole bytes`, {});
  return content.subarray(1);
}

export function malformed(message: string, args: Record<string, unknown>): CertificateError {
  return new CertificateError("CertificateMalformed", message, args);
}

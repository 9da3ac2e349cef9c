/** Tables for CRC-32C (Castagnoli, reflected polynomial 82F63B78), four bytes a step. */
const TABLES = [0, 1, 2, 3].map(() => new Uint32Array(256)) as [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
];
const [T0, T1, T2, T3] = TABLES;

for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  T0[byte] = crc;
}
for (let byte = 0; byte < 256; byte++) {
  for (let step = 1; step < 4; step++) {
    const before = TABLES[step - 1]![byte]!;
    TABLES[step]![byte] = (before >>> 8) ^ T0[before & 0xff]!;
  }
}

/** CRC-32C of `bytes[from, to)` as an unsigned number (RFC 3720, appendix B.4). */
export function crc32c(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let crc = 0xffffffff;
  let at = from;
  for (const whole = to - 3; at < whole; at += 4) {
    const word = crc ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
    crc = T3[word & 0xff]! ^ T2[(word >>> 8) & 0xff]! ^ T1[(word >>> 16) & 0xff]! ^ T0[word >>> 24]!;
  }
  for (; at < to; at++) crc = (crc >>> 8) ^ T0[(crc ^ bytes[at]!) & 0xff]!;
  return (crc ^ 0xffffffff) >>> 0;
}

/**
 * CRC-32C of any range of a buffer in constant time, after one pass over it. Searching for a whole record byte by byte
 * would otherwise be quadratic, and who sends frames could choose bytes that make it so.
 */
export class RangeCrc {
  readonly #from: number;
  /** The register after each byte, from zero. */
  readonly #prefix: Uint32Array;

  /** @param from The first byte that will be asked for. */
  constructor(bytes: Uint8Array, from: number) {
    this.#from = from;
    this.#prefix = new Uint32Array(bytes.length - from + 1);
    let crc = 0;
    for (let at = from; at < bytes.length; at++) {
      crc = (crc >>> 8) ^ T0[(crc ^ bytes[at]!) & 0xff]!;
      this.#prefix[at - from + 1] = crc;
    }
  }

  /** The same as `crc32c(bytes, from, to)`. */
  of(from: number, to: number): number {
    const before = this.#prefix[from - this.#from]! ^ 0xffffffff;
    return (this.#prefix[to - this.#from]! ^ afterZeros(before, to - from) ^ 0xffffffff) >>> 0;
  }
}

/** For each power of two, what that many zero bytes make of each bit of the register: it is linear. */
const ZEROS: Uint32Array[] = [Uint32Array.from({ length: 32 }, (_, bit) => zeroByte((1 << bit) >>> 0))];

function zeroByte(crc: number): number {
  return (crc >>> 8) ^ T0[crc & 0xff]!;
}

function afterZeros(crc: number, count: number): number {
  let [register, left] = [crc, count];
  for (let power = 0; left > 0; power++, left = Math.floor(left / 2)) {
    if (power === ZEROS.length) {
      const half = ZEROS[power - 1]!;
      ZEROS.push(half.map((image) => combine(half, image)));
    }
    if (left % 2 === 1) register = combine(ZEROS[power]!, register);
  }
  return register;
}

function combine(images: Uint32Array, register: number): number {
  let sum = 0;
  for (let bit = 0, left = register; left !== 0; bit++, left >>>= 1) if (left & 1) sum ^= images[bit]!;
  return sum;
}

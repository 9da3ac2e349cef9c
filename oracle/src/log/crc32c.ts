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

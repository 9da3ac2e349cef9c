/* The three float widths of CBOR (RFC 8949 §3.3): half, single, double. */

const scratch = new DataView(new ArrayBuffer(4));

/** The value of half-precision bits. */
export function fromHalf(half: number): number {
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  const sign = half & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

function singleBits(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}

/** Bytes of the shortest float (2, 4 or 8) that keeps this finite value. */
export function floatWidth(value: number): 2 | 4 | 8 {
  if (Math.fround(value) !== value) return 8;
  if (value === 0) return 2;
  const bits = singleBits(value);
  const exponent = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7f_ffff;
  if (exponent >= 113 && exponent <= 142) return (fraction & 0x1fff) === 0 ? 2 : 4;
  // Half-precision subnormals: multiples of 2^-24 below 2^-14.
  if (exponent < 103 || exponent > 112) return 4;
  const lost = (1 << (126 - exponent)) - 1;
  return ((fraction | 0x80_0000) & lost) === 0 ? 2 : 4;
}

/** The half-precision bits of a value for which `floatWidth` is 2. */
export function toHalf(value: number): number {
  const bits = singleBits(value);
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  if (exponent >= 113) return sign | ((exponent - 112) << 10) | ((bits & 0x7f_ffff) >>> 13);
  return sign | (Math.abs(value) * 2 ** 24);
}

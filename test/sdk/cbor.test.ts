import { expect } from "chai";
import { toHex } from "../../sdk/src/bytes.js";
import { CborReader, CborWriter } from "../../sdk/src/frame/cbor.js";

const encoded = (value: number) => toHex(new CborWriter().float(value).finish());

function decoded(hex: string): number | bigint {
  const reader = new CborReader(new Uint8Array(Buffer.from(hex.slice(2), "hex")));
  reader.number("value");
  reader.finish("the value");
  return reader.asValue();
}

describe("deterministic CBOR", () => {
  // RFC 8949 Appendix A, the finite floats that are in their shortest form there.
  const FLOATS: [number, string][] = [
    [0, "0xf90000"],
    [-0, "0xf98000"],
    [1, "0xf93c00"],
    [1.1, "0xfb3ff199999999999a"],
    [1.5, "0xf93e00"],
    [65504, "0xf97bff"],
    [100000, "0xfa47c35000"],
    [3.4028234663852886e38, "0xfa7f7fffff"],
    [1e300, "0xfb7e37e43c8800759c"],
    [2 ** -24, "0xf90001"],
    [0.00006103515625, "0xf90400"],
    [-4, "0xf9c400"],
    [-4.1, "0xfbc010666666666666"],
  ];
  for (const [value, hex] of FLOATS) {
    it(`writes and reads ${Object.is(value, -0) ? "-0" : value} as ${hex}`, () => {
      expect(encoded(value)).to.equal(hex);
      expect(Object.is(decoded(hex), value)).to.equal(true);
    });
  }

  it("writes every finite half as that half; refuses halves in four or eight bytes", () => {
    for (let half = 0; half < 0x1_0000; half++) {
      if (((half >> 10) & 31) === 31) continue;
      const hex = `0xf9${half.toString(16).padStart(4, "0")}`;
      const value = decoded(hex) as number;
      expect(encoded(value)).to.equal(hex);
      if (half % 7 !== 0) continue;
      const wide = Buffer.alloc(9, 0xfb);
      wide.writeDoubleBE(value, 1);
      const single = Buffer.alloc(5, 0xfa);
      single.writeFloatBE(value, 1);
      for (const longer of [wide, single]) {
        if (canThrow(() => decoded(toHex(longer))) !== "FrameNotCanonical")
          expect.fail(`${hex} also as ${toHex(longer)}`);
      }
    }
  });

  it("keeps a single that is no half in four bytes, and a double that is no single in eight", () => {
    for (const value of [2 ** -25, 2 ** -24 + 2 ** -35, 65505, 65536, 1 + 2 ** -11, 2 ** -149]) {
      expect(encoded(value)).to.have.length(2 + 2 * 5);
      expect(decoded(encoded(value))).to.equal(value);
    }
    for (const value of [0.1, 2 ** -150, 2 ** 128, 1 + 2 ** -24]) {
      expect(encoded(value)).to.have.length(2 + 2 * 9);
      expect(decoded(encoded(value))).to.equal(value);
    }
  });

  it("writes integers in their shortest form at every boundary", () => {
    for (const power of [
      0n,
      23n,
      24n,
      255n,
      256n,
      65_535n,
      65_536n,
      2n ** 32n - 1n,
      2n ** 32n,
      2n ** 53n + 1n,
      2n ** 63n - 1n,
    ]) {
      for (const value of [power, -1n - power]) {
        const hex = toHex(new CborWriter().int(value).finish());
        expect(decoded(hex)).to.equal(value);
        const size = power < 24n ? 1 : power < 256n ? 2 : power < 65_536n ? 3 : power < 2n ** 32n ? 5 : 9;
        expect(hex).to.have.length(2 + 2 * size);
      }
    }
  });

  it("refuses an integer in any longer form", () => {
    for (const hex of [
      "0x1817",
      "0x1900ff",
      "0x1a0000ffff",
      "0x1b00000000ffffffff",
      "0x3817",
      "0x3b0000000000000000",
    ]) {
      expect(canThrow(() => decoded(hex))).to.equal("FrameNotCanonical");
    }
  });
});

function canThrow(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

import { createHash, generateKeyPairSync } from "node:crypto";
import { expect } from "chai";
import { fromHex, toHex } from "../../sdk/src/bytes.js";
import {
  algorithmOf,
  decodeFrame,
  decodeSenml,
  deviceIdOf,
  encodeFrame,
  encodeSenml,
  exportDeviceKey,
  type FrameHeader,
  frameAad,
  frameHash,
  importDeviceKey,
  lowS,
  signerOf,
  toBeSigned,
  verifyFrame,
} from "../../sdk/src/frame/index.js";

const DOMAIN = { chainId: 31337n, registry: `0x${"ab".repeat(20)}` };
const aad = frameAad(DOMAIN);

describe("frame codec", () => {
  for (const namedCurve of ["P-256", "secp256k1"] as const) {
    describe(namedCurve, () => {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve });
      const key = exportDeviceKey(privateKey);
      const sign = signerOf(privateKey);
      const header: FrameHeader = {
        algorithm: algorithmOf(key),
        contentType: 112,
        device: deviceIdOf(key),
        epoch: 3,
        seq: 2n ** 62n,
        prev: new Uint8Array(32).fill(7),
        time: 1_700_000_000_123n,
        clock: "synced",
        uptime: 86_400_000n,
        beacon: { batch: 70_000, root8: new Uint8Array(8).fill(9) },
      };
      const records = [
        { name: "temp", unit: "Cel", value: 21.5, baseTime: 1_700_000_000n },
        { name: "count", value: -5n },
        { name: "door", flag: false },
        { name: "total", unit: "J", sum: 1e300 },
        { name: "note", text: "ü" },
        { name: "raw", data: Uint8Array.of(1, 2, 3) },
      ];
      const bytes = encodeFrame(header, encodeSenml(records), aad, sign);

      it("gives back what was put in, and verifies", () => {
        const frame = decodeFrame(bytes);
        expect(frame.header).to.deep.equal(header);
        expect(decodeSenml(frame.payload)).to.deep.equal(records);
        expect(frame.readings).to.equal(records.length);
        expect(verifyFrame(frame, aad, key)).to.equal(true);
        expect(verifyFrame(frame, aad, importDeviceKey(key))).to.equal(true);
      });

      it("does not verify in another deployment or with another key", () => {
        const frame = decodeFrame(bytes);
        expect(verifyFrame(frame, frameAad({ ...DOMAIN, chainId: 1n }), key)).to.equal(false);
        expect(verifyFrame(frame, frameAad({ ...DOMAIN, registry: `0x${"ac".repeat(20)}` }), key)).to.equal(
          false,
        );
        const other = exportDeviceKey(generateKeyPairSync("ec", { namedCurve }).publicKey);
        expect(verifyFrame(frame, aad, importDeviceKey(other))).to.equal(false);
      });

      it("verifies with either s; the frame hash does not move", () => {
        const frame = decodeFrame(bytes);
        const low = lowS(frame.signature, header.algorithm);
        const order = namedCurve === "P-256" ? P256_ORDER : SECP256K1_ORDER;
        const s = BigInt(toHex(low.subarray(32)));
        expect(s <= order / 2n).to.equal(true);
        const high = new Uint8Array([
          ...low.subarray(0, 32),
          ...fromHex(`0x${(order - s).toString(16).padStart(64, "0")}`),
        ]);
        expect(toHex(lowS(high, header.algorithm))).to.equal(toHex(low));
        for (const signature of [low, high])
          expect(verifyFrame({ ...frame, signature }, aad, key)).to.equal(true);
        const expected = createHash("sha256").update(toBeSigned(frame, aad)).digest("hex");
        expect(toHex(frameHash(frame, aad))).to.equal(`0x${expected}`);
      });
    });
  }
});

const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const SECP256K1_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

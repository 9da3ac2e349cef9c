import { generateKeyPairSync, sign } from "node:crypto";
import { expect } from "chai";
import { fromHex, toHex } from "../../sdk/src/bytes.js";
import { verifySignature } from "../../sdk/src/frame/cose.js";
import { halvesFromDer, signatureFromDer } from "../../sdk/src/frame/der.js";
import { ES256 } from "../../sdk/src/frame/key.js";
import { codeOf } from "../support/refusal.js";

const one = `${"00".repeat(31)}01`;

describe("ECDSA signatures in DER", () => {
  it("reads what OpenSSL writes, of every length", () => {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const lengths = new Set<number>();
    for (let i = 0; i < 400; i++) {
      const message = Buffer.from(`message ${i}`);
      const der = sign("sha256", message, privateKey);
      lengths.add(der.length);
      expect(verifySignature(message, signatureFromDer(der), ES256, publicKey)).to.equal(true);
    }
    expect(lengths.size).to.be.greaterThan(1);
  });

  it("puts short integers to the right of their 32 bytes", () => {
    const der = fromHex("0x300702010102020080");
    expect(toHex(signatureFromDer(der))).to.equal(`0x${one}${"00".repeat(31)}80`);
    expect(halvesFromDer(der)).to.deep.equal({ r: `0x${one}`, s: `0x${"00".repeat(31)}80` });
  });

  const full = "11".repeat(32);
  for (const [fault, hex] of Object.entries({
    nothing: "",
    "one byte": "30",
    "an empty sequence": "3000",
    "another tag than a sequence": "3106020101020101",
    "a sequence of one integer": "3003020101",
    "a third integer": "3009020101020101020101",
    "bytes after the sequence": "300602010102010100",
    "a sequence that is cut": "30060201010201",
    "a length that is too long by one": "3007020101020101",
    "a length that is too short by one": "3005020101020101",
    "a length in the long form": "308106020101020101",
    "an indefinite length": "30800201010201010000",
    "an integer's length in the long form": "30070281010102010100",
    "an empty integer": "3005020002010100",
    "a negative integer": "3006020181020101",
    "a needless zero": "300702020001020101",
    "an integer of 33 bytes": `3026022101${full}020101`,
    "an octet string in place of an integer": "3006040101020101",
    "a null in place of an integer": "30050500020101",
  })) {
    it(`refuses ${fault}`, () => {
      expect(codeOf(() => signatureFromDer(fromHex(`0x${hex}`)))).to.equal("SignatureDerInvalid");
    });
  }
});

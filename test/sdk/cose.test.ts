import { readFileSync } from "node:fs";
import { expect } from "chai";
import { toHex } from "../../sdk/src/bytes.js";
import { CborReader, Major } from "../../sdk/src/frame/cbor.js";
import { readSign1 } from "../../sdk/src/frame/cose.js";
import { ES256, importDeviceKey, toBeSigned, verifySignature } from "../../sdk/src/frame/index.js";

interface CoseVector {
  file: string;
  title: string;
  fail: boolean;
  external: string;
  toBeSigned: string;
  cbor: string;
  x: string;
  y: string;
}

const file = new URL("./data/cose-sign1.json", import.meta.url);
const { vectors } = JSON.parse(readFileSync(file, "utf8")) as { vectors: CoseVector[] };
const fromHexText = (text: string) => new Uint8Array(Buffer.from(text, "hex"));
const coordinate = (text: string) => toHex(Buffer.from(text, "base64url"));

/** The working group's messages carry kid and alg in the unprotected header, which frames must not: so this reads around it. */
function partsOf(cbor: Uint8Array) {
  const array = cbor.indexOf(0x84);
  const reader = new CborReader(cbor, array + 1);
  reader.byteString("protected", 0, cbor.length);
  const protectedBytes = reader.slice();
  for (let left = reader.count(Major.map, 0, 2, "unprotected header"); left > 0; left--) {
    if (reader.smallKey() === 1) reader.int("alg");
    else reader.byteString("kid", 0, 32);
  }
  reader.byteString("payload", 0, cbor.length);
  const payload = reader.slice();
  reader.byteString("signature", 64, 64);
  const signature = reader.slice();
  reader.finish("the message");
  // An empty protected map is signed as an empty string (RFC 9052 §3).
  return {
    protectedBytes: toHex(protectedBytes) === "0xa0" ? new Uint8Array() : protectedBytes,
    payload,
    signature,
  };
}

describe("COSE_Sign1 vectors of the COSE working group", () => {
  for (const vector of vectors) {
    const key = importDeviceKey({ curve: 1, x: coordinate(vector.x), y: coordinate(vector.y) });
    const parts = partsOf(fromHexText(vector.cbor));
    const message = toBeSigned(parts, fromHexText(vector.external));
    const valid = verifySignature(message, parts.signature, ES256, key);

    if (vector.title.includes("CBOR Tag") && vector.fail) {
      it(`${vector.title}: refused for its tag`, () => {
        expect(() => readSign1(fromHexText(vector.cbor), "the message"))
          .to.throw()
          .with.property("code", "FrameMalformed");
      });
      continue;
    }
    it(`${vector.title}: ${vector.fail ? "does not verify" : "verifies"}`, () => {
      expect(valid).to.equal(!vector.fail);
      if (!vector.fail) expect(toHex(message)).to.equal(`0x${vector.toBeSigned.toLowerCase()}`);
    });
  }
});

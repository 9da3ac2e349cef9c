import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { expect } from "chai";
import type { DIDDocument } from "did-resolver";
import { fromHex } from "../../../sdk/src/bytes.js";
import { deviceDocument } from "../../../sdk/src/did/document.js";
import { multikey, type PublicKey } from "../../../sdk/src/did/multikey.js";
import type { PublishedKey } from "../../../sdk/src/did/publication.js";
import { verifySm2 } from "../../../sdk/src/did/sm2.js";
import { verifyByDocument } from "../../../sdk/src/did/verify.js";
import { signatureFromDer } from "../../../sdk/src/frame/der.js";
import { exportDeviceKey } from "../../../sdk/src/frame/index.js";
import { codeOf } from "../../support/refusal.js";

const did = `did:tenon:31337:${"0a".repeat(32)}`;
const message = new TextEncoder().encode("hours: 1204");

/** A document of a device with this key, and what its owner published besides. */
function documentOf(key: KeyObject, published: PublishedKey[] = []): DIDDocument {
  return deviceDocument({
    did,
    controller: "did:tenon:31337:org:1",
    key: exportDeviceKey(key),
    published: { interfaces: [], keys: published, alsoKnownAs: [] },
    grants: `eip155:31337:0x${"5f".repeat(20)}`,
  });
}

const asText = (key: PublicKey) => multikey(key);
const ecdsa = (key: KeyObject) => new Uint8Array(sign("sha256", message, { key, dsaEncoding: "ieee-p1363" }));

describe("signatures against a DID document", () => {
  const device = generateKeyPairSync("ec", { namedCurve: "P-256" });

  for (const namedCurve of ["P-256", "secp256k1"]) {
    it(`verifies the device's own ${namedCurve} key, by Multikey and by JsonWebKey`, () => {
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve });
      const document = documentOf(publicKey);
      expect(document.verificationMethod!.map(({ type }) => type)).to.deep.equal(["Multikey", "JsonWebKey"]);
      const signature = ecdsa(privateKey);
      for (const { id } of document.verificationMethod!) {
        expect(verifyByDocument(document, { message, signature, method: id })).to.equal(id);
      }
      const other = new TextEncoder().encode("hours: 1205");
      expect(verifyByDocument(document, { message: other, signature })).to.equal(undefined);
      expect(verifyByDocument(document, { message, signature: signature.subarray(1) })).to.equal(undefined);
    });
  }

  it("verifies a published Ed25519 key (RFC 8032, test 2), for what it is listed for", () => {
    const bytes = fromHex("0x3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    const signature = fromHex(
      "0x92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    );
    const text = asText({ kind: "Ed25519", bytes });
    const document = documentOf(device.publicKey, [{ multikey: text, uses: ["authentication"] }]);
    const signed = { message: Uint8Array.of(0x72), signature, purpose: "authentication" as const };
    expect(verifyByDocument(document, signed)).to.equal(`${did}#${text}`);
    expect(verifyByDocument(document, { ...signed, message: Uint8Array.of(0x73) })).to.equal(undefined);
    const elsewhere = { ...signed, purpose: "assertionMethod", method: `${did}#${text}` } as const;
    expect(codeOf(() => verifyByDocument(document, elsewhere))).to.equal("VerificationMethodUnknown");
  });

  it("verifies a published SM2 key: the example of GB/T 32918.5", () => {
    const example = {
      message: new TextEncoder().encode("message digest"),
      signature: fromHex(
        "0xf5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa",
      ),
    };
    const text = asText({ kind: "SM2", bytes: SM2_EXAMPLE_KEY });
    const document = documentOf(device.publicKey, [{ multikey: text, uses: ["assertionMethod"] }]);
    expect(verifyByDocument(document, example)).to.equal(`${did}#${text}`);
    expect(verifyByDocument(document, { ...example, sm2Identity: "ALICE123@YAHOO.COM" })).to.equal(undefined);
    expect(verifyByDocument(document, { ...example, message })).to.equal(undefined);
    for (const byte of [0, 31, 32, 63]) {
      const signature = new Uint8Array(example.signature);
      signature[byte]! ^= 1;
      expect(verifyByDocument(document, { ...example, signature })).to.equal(undefined);
    }
  });

  it("refuses SM2 signatures with r or s of zero, or beyond the order", () => {
    const order = "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123";
    const one = "1".padStart(64, "0");
    const zero = "0".repeat(64);
    for (const [r, s] of [
      [zero, one],
      [one, zero],
      [order, one],
      [one, order],
      [one, (BigInt(`0x${order}`) - 1n).toString(16)],
    ]) {
      expect(verifySm2(message, fromHex(`0x${r}${s}`), SM2_EXAMPLE_KEY)).to.equal(false);
    }
  });

  it("agrees with OpenSSL's SM2 about keys made and messages signed here", () => {
    // node can only sign with the empty identity, so that is the one asked for here.
    for (let i = 0; i < 10; i++) {
      const { publicKey, privateKey } = sm2Pair();
      const signature = signatureFromDer(new Uint8Array(sign("sm3", message, privateKey)));
      expect(verifySm2(message, signature, publicKey, "")).to.equal(true);
      signature[7]! ^= 0x10;
      expect(verifySm2(message, signature, publicKey, "")).to.equal(false);
    }
  });

  it("never takes a key of another curve, nor one that the document does not list", () => {
    const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const document = documentOf(device.publicKey);
    expect(verifyByDocument(document, { message, signature: ecdsa(stranger.privateKey) })).to.equal(
      undefined,
    );
    const other = { message, signature: ecdsa(device.privateKey), method: `${did}#other` };
    expect(codeOf(() => verifyByDocument(document, other))).to.equal("VerificationMethodUnknown");
  });

  it("lists a key once, with the purposes of both, when the owner publishes the device's own key again", () => {
    const own = documentOf(device.publicKey).verificationMethod![0]!.publicKeyMultibase!;
    const document = documentOf(device.publicKey, [{ multikey: own, uses: ["keyAgreement"] }]);
    expect(document.verificationMethod).to.have.length(2);
    expect(document.keyAgreement).to.have.length(2);
    expect(document.assertionMethod).to.deep.equal(document.keyAgreement);
  });

  it("names the JsonWebKey by its RFC 7638 thumbprint", () => {
    const method = documentOf(device.publicKey).verificationMethod![1]!;
    const { crv, kty, x, y } = method.publicKeyJwk!;
    const hash = createHash("sha256").update(`{"crv":"${crv}","kty":"${kty}","x":"${x}","y":"${y}"}`);
    expect(method.id).to.equal(`${did}#${hash.digest("base64url")}`);
  });
});

const SM2_EXAMPLE_KEY = fromHex("0x0309f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020");

/** A key pair of OpenSSL's SM2. As generated, node takes it for ECDSA on that curve; read in, it is SM2's. */
function sm2Pair(): { publicKey: Uint8Array; privateKey: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "SM2" });
  const point = publicKey.export({ type: "spki", format: "der" }).subarray(-64);
  const key = privateKey.export({ type: "pkcs8", format: "der" });
  return {
    publicKey: new Uint8Array([2 + (point[63]! & 1), ...point.subarray(0, 32)]),
    privateKey: createPrivateKey({ key, type: "pkcs8", format: "der" }),
  };
}

import { generateKeyPairSync } from "node:crypto";
import { expect } from "chai";
import { fromHex, toHex } from "../../../sdk/src/bytes.js";
import { jwkOf, multikey, publicKeyOf, readMultikey } from "../../../sdk/src/did/multikey.js";
import { deviceDid, deviceOf, organisationDid, subjectOf } from "../../../sdk/src/did/syntax.js";
import { deviceIdOf, exportDeviceKey } from "../../../sdk/src/frame/index.js";
import { codeOf } from "../../support/refusal.js";

describe("did:tenon", () => {
  const device = `0x${"0a".repeat(32)}` as const;

  it("names devices and organisations, in one spelling each", () => {
    expect(deviceDid(31337, device)).to.equal(`did:tenon:31337:${"0a".repeat(32)}`);
    expect(organisationDid(31337n, 7n)).to.equal("did:tenon:31337:org:7");
    expect(subjectOf(deviceDid(31337, device))).to.deep.equal({ kind: "device", chainId: 31337, device });
    expect(subjectOf(organisationDid(5, 4_294_967_295))).to.deep.equal({
      kind: "organisation",
      chainId: 5,
      organisation: 4_294_967_295,
    });
    expect(deviceOf(deviceDid(1, device))).to.equal(device);
  });

  for (const [fault, did] of Object.entries({
    "capital hex digits": `did:tenon:31337:${"0A".repeat(32)}`,
    "a short id": `did:tenon:31337:${"0a".repeat(31)}`,
    "a prefix 0x": `did:tenon:31337:0x${"0a".repeat(32)}`,
    "no chain": `did:tenon:${"0a".repeat(32)}`,
    "chain 0": `did:tenon:0:${"0a".repeat(32)}`,
    "a leading zero of the chain": `did:tenon:031337:${"0a".repeat(32)}`,
    "a chain id beyond whole numbers": `did:tenon:9999999999999999:${"0a".repeat(32)}`,
    "organisation 0": "did:tenon:31337:org:0",
    "an organisation beyond 32 bits": "did:tenon:31337:org:4294967296",
    "something after the id": `did:tenon:31337:${"0a".repeat(32)}:x`,
    "another method": `did:ethr:31337:${"0a".repeat(32)}`,
  })) {
    it(`has no DID with ${fault}`, () => expect(subjectOf(did)).to.equal(undefined));
  }

  it("refuses to take a device from an organisation's DID", () => {
    expect(codeOf(() => deviceOf("did:tenon:31337:org:1"))).to.equal("DidInvalid");
  });
});

describe("Multikeys", () => {
  // Public examples of the did:key method, written down from its text.
  const examples = {
    "P-256": "zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv",
    secp256k1: "zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme",
    Ed25519: "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
  };

  for (const [kind, text] of Object.entries(examples)) {
    it(`reads and writes the example of did:key for ${kind}`, () => {
      const key = readMultikey(text);
      expect(key.kind).to.equal(kind);
      expect(multikey(key)).to.equal(text);
    });
  }

  it("gives the JSON Web Key of the same point as the example of did:key", () => {
    expect(jwkOf(readMultikey(examples["P-256"]))).to.deep.equal({
      kty: "EC",
      crv: "P-256",
      x: "igrFmi0whuihKnj9R3Om1SoMph72wUGeFaBbzG2vzns",
      y: "efsX5b10x8yjyrj4ny3pGfLcY7Xby1KzgqOdqnsrJIM",
    });
  });

  for (const namedCurve of ["P-256", "secp256k1"] as const) {
    it(`carries a device's ${namedCurve} key both ways`, () => {
      for (let i = 0; i < 20; i++) {
        const { publicKey } = generateKeyPairSync("ec", { namedCurve });
        const key = exportDeviceKey(publicKey);
        const jwk = jwkOf(readMultikey(multikey(publicKeyOf(key))))!;
        const { x, y } = publicKey.export({ format: "jwk" });
        expect(jwk).to.deep.equal({ kty: "EC", crv: namedCurve, x, y });
        const back = { curve: key.curve, x: hex(jwk.x), y: hex(jwk.y!) };
        expect(deviceIdOf(back)).to.equal(deviceIdOf(key));
      }
    });
  }

  it("lists SM2 without a JSON Web Key, because no curve name is registered for it", () => {
    const key = { kind: "SM2" as const, bytes: sm2Key };
    expect(readMultikey(multikey(key))).to.deep.equal(key);
    expect(jwkOf(key)).to.equal(undefined);
  });

  for (const kind of ["P-256", "secp256k1", "SM2"] as const) {
    it(`refuses 33 bytes that are no point of ${kind}`, () => {
      const codes = Array.from({ length: 64 }, (_, x) => {
        const bytes = fromHex(`0x02${x.toString(16).padStart(64, "0")}`);
        return codeOf(() => readMultikey(multikey({ kind, bytes })));
      });
      // About half of all x have no point.
      expect(codes.filter((code) => code === "MultikeyInvalid").length).to.be.within(10, 54);
    });
  }

  for (const [fault, text] of Object.entries({
    "another multibase": `f${"00".repeat(24)}`,
    "an unknown kind": multikey({ kind: "Ed25519", bytes: new Uint8Array(32).fill(7) }).replace(
      "z6Mk",
      "z6Mj",
    ),
    "a key that is cut": examples.Ed25519.slice(0, -1),
    "a key of another length": multikey({ kind: "Ed25519", bytes: new Uint8Array(33).fill(7) }),
    "a digit that base58 does not have": examples.Ed25519.replace("h", "l"),
    nothing: "",
  })) {
    it(`refuses ${fault}`, () => expect(codeOf(() => readMultikey(text))).to.equal("MultikeyInvalid"));
  }
});

const sm2Key = fromHex("0x0309f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020");

function hex(base64url: string) {
  return toHex(Buffer.from(base64url, "base64url"));
}

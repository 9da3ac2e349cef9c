import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { fromHex, type Hex, toHex } from "../../sdk/src/bytes.js";
import {
  decodeEnvelope,
  type EnvelopeReader,
  type EnvelopeRecipient,
  envelopeSuite,
  MAX_CONTENT,
  openEnvelope,
  paddedLength,
  readdressEnvelope,
  sealEnvelope,
} from "../../sdk/src/envelope.js";
import { TenonError } from "../../sdk/src/errors.js";
import { exportDeviceKey } from "../../sdk/src/frame/key.js";
import { Random, testSeed } from "../support/random.js";
import { codeOf, refusal } from "../support/refusal.js";

type Party = EnvelopeRecipient & EnvelopeReader;

function party(organisation: number, version = 1, use: EnvelopeRecipient["use"] = "Encryption"): Party {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { organisation, use, version, key: exportDeviceKey(privateKey), privateKey };
}

const subject = `0x${"d0".repeat(32)}` as Hex;
const text = (value: string) => new Uint8Array(Buffer.from(value, "utf8"));
const endpoint = text("opc.tcp://10.20.0.7:4840/press-17");

describe("the sealed envelope", () => {
  const [grantee, regulator, stranger] = [party(2), party(9, 3, "Disclosure"), party(5)];
  const seal = (content = endpoint, recipients: readonly EnvelopeRecipient[] = [grantee, regulator]) =>
    sealEnvelope({ subject, content, recipients });

  it("is opened by each recipient and by nobody else", async () => {
    const { bytes, commitment } = await seal();
    for (const reader of [grantee, regulator]) {
      expect(await openEnvelope(bytes, reader, { subject, commitment })).to.deep.equal(endpoint);
    }
    const code = async (reader: EnvelopeReader) =>
      (await refusal(openEnvelope(bytes, reader, { subject, commitment }))).code;
    expect(await code(stranger)).to.equal("EnvelopeNotAddressed");
    expect(await code({ ...stranger, organisation: 2 })).to.equal("EnvelopeKeyWrong");
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "secp256k1" });
    expect(await code({ organisation: 2, privateKey })).to.equal("EnvelopeKeyInvalid");
  });

  it("says to anybody whom it is for, and nothing of the content: lengths come in powers of two", async () => {
    const parts = decodeEnvelope((await seal()).bytes);
    const names = parts.recipients.map(({ organisation, use, version }) => [organisation, use, version]);
    expect(names).to.deep.equal([
      [2, "Encryption", 1],
      [9, "Disclosure", 3],
    ]);
    const lengths = await Promise.all(
      [0, 1, 60, 92].map(async (length) => (await seal(new Uint8Array(length))).bytes.length),
    );
    expect(new Set(lengths).size).to.equal(1);
    expect([92, 93, 220, 221].map(paddedLength)).to.deep.equal([128, 256, 256, 512]);
    const [one, other] = [await seal(), await seal()];
    expect(one.commitment, "salted").to.not.equal(other.commitment);
  });

  it("is about one subject and one commitment", async () => {
    const { bytes, commitment } = await seal();
    const other = `0x${"d1".repeat(32)}` as Hex;
    const wrong = [{ subject: other, commitment }, { subject: other }, { subject, commitment: other }];
    for (const about of wrong) {
      expect((await refusal(openEnvelope(bytes, grantee, about))).code).to.equal(
        "EnvelopeCommitmentMismatch",
      );
    }
  });

  it("gets recipients and new keys without a change of content or commitment", async () => {
    const first = await seal();
    const rolled = party(2, 2);
    const added = await readdressEnvelope(first.bytes, regulator, subject, { add: [rolled, stranger] });
    expect(added.commitment).to.equal(first.commitment);
    expect(decodeEnvelope(added.bytes).sealed).to.deep.equal(decodeEnvelope(first.bytes).sealed);
    const about = { subject, commitment: first.commitment };
    for (const reader of [rolled, stranger, regulator]) {
      expect(await openEnvelope(added.bytes, reader, about)).to.deep.equal(endpoint);
    }
    expect((await refusal(openEnvelope(added.bytes, grantee, about))).code).to.equal("EnvelopeKeyWrong");
    const fewer = await readdressEnvelope(added.bytes, stranger, subject, { without: [2] });
    expect((await refusal(openEnvelope(fewer.bytes, rolled, about))).code).to.equal("EnvelopeNotAddressed");
    const outsider = party(7);
    const attempt = readdressEnvelope(first.bytes, outsider, subject, { add: [outsider] });
    expect((await refusal(attempt)).code).to.equal("EnvelopeNotAddressed");
  });

  it("moves no wrapped key into another envelope, or to another name", async () => {
    const { encodeParts } = await encoder();
    const [one, other] = [decodeEnvelope((await seal()).bytes), decodeEnvelope((await seal()).bytes)];
    const moved = encodeParts({ ...one, recipients: other.recipients });
    expect((await refusal(openEnvelope(moved, grantee, { subject }))).code).to.equal("EnvelopeKeyWrong");
    const renamed = one.recipients.map((recipient) => ({ ...recipient, version: 7 }));
    const again = encodeParts({ ...one, recipients: renamed });
    expect((await refusal(openEnvelope(again, grantee, { subject }))).code).to.equal("EnvelopeKeyWrong");
  });

  it("refuses no recipients, one twice, a key that is none, and a content too long", async () => {
    const bad = { ...grantee, key: { ...grantee.key, y: grantee.key.x } };
    const foreign = { ...grantee, key: { ...grantee.key, curve: 8 as const } };
    const refused: [EnvelopeRecipient[], string][] = [
      [[], "EnvelopeRecipientsInvalid"],
      [[grantee, grantee], "EnvelopeRecipientsInvalid"],
      [[bad], "EnvelopeKeyInvalid"],
      [[foreign], "EnvelopeKeyInvalid"],
    ];
    for (const [recipients, code] of refused) {
      expect((await refusal(seal(endpoint, recipients))).code).to.equal(code);
    }
    const tooLong = seal(new Uint8Array(MAX_CONTENT + 1));
    expect((await refusal(tooLong)).code).to.equal("EnvelopeContentTooLong");
    const longest = await seal(new Uint8Array(MAX_CONTENT));
    expect(await openEnvelope(longest.bytes, grantee, { subject })).to.have.length(MAX_CONTENT);
  });

  /** The wire form, written down a second time by hand. */
  async function encoder() {
    const { CborWriter, Major } = await import("../../sdk/src/frame/cbor.js");
    const encodeParts = ({ commitment, sealed, recipients }: ReturnType<typeof decodeEnvelope>) => {
      const writer = new CborWriter().head(Major.array, 4).int(1).bytes(fromHex(commitment)).bytes(sealed);
      writer.head(Major.array, recipients.length);
      for (const { organisation, use, version, enc, wrapped } of recipients) {
        const number = use === "Encryption" ? 1 : 2;
        writer.head(Major.array, 5).int(organisation).int(number).int(version).bytes(enc).bytes(wrapped);
      }
      return writer.finish();
    };
    return { encodeParts };
  }

  const seed = testSeed();
  it(`opens to the content or to a typed refusal, whatever bytes come (seed ${seed})`, async function () {
    this.timeout(20_000);
    const random = new Random(seed);
    const { bytes, commitment } = await seal();
    const unreadable = new Set<string>();
    for (let i = 0; i < 400; i++) {
      const changed = mutate(random, bytes);
      const outcome = await openEnvelope(changed, grantee, { subject, commitment }).catch(
        (error: unknown) => error,
      );
      if (outcome instanceof TenonError) unreadable.add(outcome.code);
      // What changed was then another recipient's part.
      else expect(outcome).to.deep.equal(endpoint);
    }
    expect([...unreadable]).to.include.members(["EnvelopeMalformed", "EnvelopeKeyWrong", "EnvelopeDamaged"]);
    for (let i = 0; i < 2_000; i++) {
      const noise = random.bytes(random.below(600));
      expect(codeOf(() => decodeEnvelope(noise))).to.equal("EnvelopeMalformed");
    }
  });
});

function mutate(random: Random, bytes: Uint8Array): Uint8Array {
  const at = random.below(bytes.length);
  const kind = random.below(4);
  if (kind === 0) return bytes.slice(0, at);
  if (kind === 1) return new Uint8Array([...bytes, random.below(256)]);
  const changed = new Uint8Array(bytes);
  changed[at] = changed[at]! ^ (1 + random.below(255));
  return changed;
}

describe("the envelope's HPKE suite", () => {
  const vectors = JSON.parse(readFileSync(new URL("data/hpke-p256-aes256gcm.json", import.meta.url), "utf8"));
  const bytes = (hex: string) => fromHex(`0x${hex}`);
  const { kem } = envelopeSuite;

  it("is the one of the RFC 9180 vectors: KEM 0x0010, KDF 0x0001, AEAD 0x0002", () => {
    const suite = [kem.id, envelopeSuite.kdf.id, envelopeSuite.aead.id];
    expect(suite).to.deep.equal([vectors.kem_id, vectors.kdf_id, vectors.aead_id]);
  });

  it("derives the keys, encapsulates, seals, opens and exports as RFC 9180 says", async () => {
    const recipient = await kem.deriveKeyPair(bytes(vectors.ikmR));
    expect(toHex(new Uint8Array(await kem.serializePublicKey(recipient.publicKey)))).to.equal(
      `0x${vectors.pkRm}`,
    );
    expect(toHex(new Uint8Array(await kem.serializePrivateKey(recipient.privateKey)))).to.equal(
      `0x${vectors.skRm}`,
    );
    const info = bytes(vectors.info);
    const ekm = await kem.deriveKeyPair(bytes(vectors.ikmE));
    const sender = await envelopeSuite.createSenderContext({
      recipientPublicKey: recipient.publicKey,
      info,
      ekm,
    });
    expect(toHex(new Uint8Array(sender.enc))).to.equal(`0x${vectors.enc}`);
    const reader = await envelopeSuite.createRecipientContext({
      recipientKey: await kem.deserializePrivateKey(bytes(vectors.skRm)),
      enc: bytes(vectors.enc),
      info,
    });
    const bySequence = new Map(vectors.encryptions.map((one: { sequence: number }) => [one.sequence, one]));
    for (let sequence = 0; sequence <= 256; sequence++) {
      const vector = bySequence.get(sequence) as { pt: string; aad: string; ct: string } | undefined;
      const [plain, aad] = vector === undefined ? [info, info] : [bytes(vector.pt), bytes(vector.aad)];
      const sealed = new Uint8Array(await sender.seal(plain, aad));
      if (vector !== undefined) expect(toHex(sealed)).to.equal(`0x${vector.ct}`);
      expect(new Uint8Array(await reader.open(sealed, aad))).to.deep.equal(plain);
    }
    for (const { exporter_context, L, exported_value } of vectors.exports) {
      const value = new Uint8Array(await reader.export(bytes(exporter_context), L));
      expect(toHex(value)).to.equal(`0x${exported_value}`);
    }
  });

  it("seals with a key that node:crypto made, read from PEM", async () => {
    const made: KeyObject = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
    const pem = made.export({ format: "pem", type: "pkcs8" });
    const recipient = { organisation: 1, use: "Encryption", version: 1, key: exportDeviceKey(made) } as const;
    const { bytes: sealed } = await sealEnvelope({ subject, content: endpoint, recipients: [recipient] });
    const reader = { organisation: 1, privateKey: createPrivateKey(pem) };
    expect(await openEnvelope(sealed, reader, { subject })).to.deep.equal(endpoint);
  });
});

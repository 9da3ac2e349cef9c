import { generateKeyPairSync } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { expect } from "chai";
import type { Hex } from "../../sdk/src/bytes.js";
import { deviceDid } from "../../sdk/src/did/syntax.js";
import { deviceIdOf, exportDeviceKey } from "../../sdk/src/frame/index.js";
import {
  type CertificateError,
  checkDeviceCertificate,
  readCertificate,
  readCertificates,
} from "../../sdk/src/x509/index.js";
import { Random, testSeed } from "../support/random.js";
import { codeOf } from "../support/refusal.js";
import {
  authorityKeyId,
  basicConstraints,
  deviceExtensions,
  ecKeys,
  extension,
  type KeyPair,
  keyUsage,
  makeAuthority,
  makeCertificate,
  makeDeviceCertificate,
  OID,
  oid,
  pem,
  sequence,
  sha256Hex,
  type TestAuthority,
  tlv,
  uriName,
} from "../support/x509.js";

const chainId = 31337n;
const data = new URL("data/x509/", import.meta.url);

const idOf = ({ publicKey }: KeyPair): Hex => deviceIdOf(exportDeviceKey(publicKey));

describe("X.509 device certificates", () => {
  const root = makeAuthority("Heavy Works root");
  const issuing = makeAuthority("Heavy Works factory 1", { above: root, serial: 8n });
  const keys = ecKeys();
  const device = { chainId, id: idOf(keys) };
  const did = deviceDid(chainId, device.id);
  const admitted = (hash: Hex) => hash === root.hash;
  const good = makeDeviceCertificate(issuing, { key: keys.publicKey, uris: [did] });

  const check = (leaf: Uint8Array, above: readonly TestAuthority[] = [issuing, root], more = {}) =>
    checkDeviceCertificate({ chain: [leaf, ...above.map(({ der }) => der)], device, admitted, ...more });
  const refusedWith = (leaf: Uint8Array, above?: readonly TestAuthority[], more = {}) =>
    codeOf(() => check(leaf, above, more));

  describe("a good one", () => {
    it("is taken by its DID, up to the admitted authority", () => {
      const checked = check(good);
      expect(checked).to.deep.include({
        hash: sha256Hex(good),
        authority: root.hash,
        boundBy: "did",
        keyId: device.id,
        serialNumber: "EC-0001",
        path: [sha256Hex(good), issuing.hash, root.hash],
        remarks: [],
      });
      expect(new Date(1000 * checked.notAfter).toISOString()).to.equal("9999-12-31T23:59:59.000Z");
    });

    it("is taken by its key when it names no device", () => {
      const leaf = makeDeviceCertificate(issuing, { key: keys.publicKey });
      expect(check(leaf).boundBy).to.equal("key");
    });

    it("is taken by a replaced key when that is in force, or by the DID for a key of its own", () => {
      const later = ecKeys();
      const leaf = makeDeviceCertificate(issuing, { key: later.publicKey });
      expect(check(leaf, undefined, { device: { ...device, keyId: idOf(later) } }).boundBy).to.equal("key");
      const own = makeDeviceCertificate(issuing, { key: ecKeys("P-384").publicKey, uris: [did] });
      expect(check(own)).to.include({ boundBy: "did", keyId: undefined });
    });

    it("needs no root when the issuing authority itself is admitted", () => {
      const byIssuing = { admitted: (hash: Hex) => hash === issuing.hash };
      expect(check(good, [issuing], byIssuing).authority).to.equal(issuing.hash);
    });

    it("comes as PEM, in any order above the device's, with what does not belong to it", () => {
      const stranger = makeAuthority("Somebody else");
      const chain = pem(good, stranger.der, root.der, issuing.der);
      const { path } = checkDeviceCertificate({ chain, device, admitted });
      expect(path).to.have.length(3);
      expect(readCertificates(chain).map(({ hash }) => hash)[1]).to.equal(stranger.hash);
    });

    it("says which recommendations it does not follow", () => {
      const leaf = makeDeviceCertificate(issuing, {
        key: keys.publicKey,
        subject: [[OID.commonName, "no serial"]],
        extensions: [keyUsage([0], false), authorityKeyId(issuing.keys.publicKey)],
      });
      expect(check(leaf).remarks).to.deep.equal([
        "the subject has no serial number of the device",
        "the key usage is not critical",
      ]);
    });
  });

  const seed = testSeed();
  describe(`of OpenSSL's making (seed ${seed})`, () => {
    const id = `0x${"ab".repeat(32)}` as const;
    for (const file of readdirSync(data).filter((name) => name.endsWith(".pem"))) {
      const chain = readFileSync(new URL(file, data), "utf8");
      const all = readCertificates(chain);
      const top = all.at(-1)!.hash;
      const same = file === "same-key.pem";
      const own = same ? deviceIdOf(exportDeviceKey(all[0]!.x509.publicKey)) : id;
      const given = { chain, device: { chainId, id: own }, admitted: (hash: Hex) => hash === top };

      it(`${file} is taken`, () => {
        const checked = checkDeviceCertificate(given);
        expect(checked).to.deep.include({
          boundBy: same ? "key" : "did",
          serialNumber: "EC-0001",
          remarks: [],
        });
        expect(checked.path).to.deep.equal(all.map(({ hash }) => hash));
      });

      it(`${file} is refused with any bit of what is signed, or of the signature, turned`, () => {
        const random = new Random(seed);
        const [leaf, ...above] = all.map(({ der }) => der);
        const body = readCertificate(leaf!);
        for (let i = 0; i < 60; i++) {
          const forged = Uint8Array.from(leaf!);
          const from = i < 45 ? 0 : leaf!.length - body.signature.length;
          forged[from + random.below(leaf!.length - from)]! ^= 1 << random.below(8);
          expect(codeOf(() => checkDeviceCertificate({ ...given, chain: [forged, ...above] }))).to.be.oneOf([
            "CertificateMalformed",
            "CertificateSignatureInvalid",
            "CertificateAlgorithmRefused",
            "CertificateAuthorityMissing",
            "CertificateNotCurrent",
            "CertificateExtensionRefused",
            "CertificateProfileViolated",
          ]);
        }
      });
    }
  });

  describe("the way up", () => {
    it("ends nowhere without the authority, or when nobody admitted it", () => {
      expect(refusedWith(good, [issuing])).to.equal("CertificateAuthorityMissing");
      expect(refusedWith(good, [])).to.equal("CertificateAuthorityMissing");
      expect(refusedWith(good, [issuing, root], { admitted: () => false })).to.equal(
        "CertificateAuthorityMissing",
      );
    });

    it("is not the forger's: the same names, other keys", () => {
      const forgedRoot = makeAuthority("Heavy Works root");
      const forgedIssuing = makeAuthority("Heavy Works factory 1", { above: forgedRoot });
      const leaf = makeDeviceCertificate(forgedIssuing, { key: keys.publicKey, uris: [did] });
      expect(refusedWith(leaf, [forgedIssuing, forgedRoot])).to.equal("CertificateAuthorityMissing");
      // Without key ids, so that only the signature can tell.
      const bare = makeDeviceCertificate(forgedIssuing, {
        key: keys.publicKey,
        extensions: [keyUsage([0]), extension("2.5.29.35", false, sequence())],
      });
      expect(refusedWith(bare)).to.equal("CertificateSignatureInvalid");
    });

    it("passes through no device: its certificate is no authority", () => {
      const middle = makeDeviceCertificate(issuing, { key: keys.publicKey, uris: [did] });
      const subject = [
        [OID.commonName, "excavator controller"],
        [OID.serialNumber, "EC-0001"],
      ] as const;
      const leaf = makeCertificate({
        subject: [[OID.commonName, "made by a device"]],
        issuer: subject,
        key: ecKeys().publicKey,
        signer: keys.privateKey,
        extensions: [keyUsage([0]), authorityKeyId(keys.publicKey), uriName(did)],
      });
      const error = codeOf(() =>
        checkDeviceCertificate({ chain: [leaf, middle, issuing.der, root.der], device, admitted }),
      );
      expect(error).to.equal("CertificateNotAuthority");
    });

    it("obeys path lengths and key usage of authorities", () => {
      const narrow = makeAuthority("Narrow root", { extensions: [basicConstraints(true, 0), keyUsage([5])] });
      const under = makeAuthority("Under it", { above: narrow });
      const leaf = makeDeviceCertificate(under, { key: keys.publicKey });
      const byNarrow = { admitted: (hash: Hex) => hash === narrow.hash };
      expect(refusedWith(leaf, [under, narrow], byNarrow)).to.equal("CertificateNotAuthority");
      const direct = makeDeviceCertificate(narrow, { key: keys.publicKey });
      expect(check(direct, [narrow], byNarrow).path).to.have.length(2);

      const signsOnly = makeAuthority("No certificates", {
        extensions: [basicConstraints(true), keyUsage([0])],
      });
      const bySigner = makeDeviceCertificate(signsOnly, { key: keys.publicKey });
      const takesIt = { admitted: (hash: Hex) => hash === signsOnly.hash };
      expect(refusedWith(bySigner, [signsOnly], takesIt)).to.equal("CertificateNotAuthority");
    });

    it("turns in no circle and has an end", () => {
      const one = ecKeys();
      const two = ecKeys();
      const cross = (title: string, own: KeyPair, issuer: string, by: KeyPair) =>
        makeAuthority(title, {
          keys: own,
          issuer: [[OID.commonName, issuer]],
          signer: by.privateKey,
          extensions: [basicConstraints(true), keyUsage([5])],
        });
      const a = cross("A", one, "B", two);
      const b = cross("B", two, "A", one);
      const leaf = makeDeviceCertificate(a, { key: keys.publicKey });
      expect(refusedWith(leaf, [a, b])).to.equal("CertificateAuthorityMissing");
    });

    it("takes no weak algorithm", () => {
      const weak = makeDeviceCertificate(issuing, {
        key: keys.publicKey,
        algorithm: sequence(oid(OID.ecdsaSha1)),
      });
      expect(refusedWith(weak)).to.equal("CertificateAlgorithmRefused");
      const short = makeAuthority("Short", { keys: generateKeyPairSync("rsa", { modulusLength: 1024 }) });
      const leaf = makeDeviceCertificate(short, { key: keys.publicKey });
      const byShort = { admitted: (hash: Hex) => hash === short.hash };
      expect(refusedWith(leaf, [short], byShort)).to.equal("CertificateAlgorithmRefused");
      const sha1Pss = sequence(oid("1.2.840.113549.1.1.10"), sequence());
      const pss = makeDeviceCertificate(issuing, { key: keys.publicKey, algorithm: sha1Pss });
      expect(refusedWith(pss)).to.equal("CertificateAlgorithmRefused");
    });

    it("takes no SM2 signature of another curve, and no zero one", () => {
      const zero = sequence(tlv(2, Buffer.from([0])), tlv(2, Buffer.from([0])));
      const sm2 = { key: keys.publicKey, algorithm: sequence(oid(OID.sm2Sm3)), signature: zero };
      expect(refusedWith(makeDeviceCertificate(issuing, sm2))).to.equal("CertificateSignatureInvalid");
    });
  });

  describe("the terms", () => {
    const past = new Date("2020-01-01T00:00:00Z");
    const justPast = new Date("2021-06-01T00:00:00Z");

    it("count for every certificate of the path", () => {
      const over = makeDeviceCertificate(issuing, {
        key: keys.publicKey,
        notBefore: past,
        notAfter: justPast,
      });
      expect(refusedWith(over)).to.equal("CertificateNotCurrent");
      const oldIssuing = makeAuthority("Old factory", { above: root, notBefore: past, notAfter: justPast });
      const leaf = makeDeviceCertificate(oldIssuing, { key: keys.publicKey });
      expect(refusedWith(leaf, [oldIssuing, root])).to.equal("CertificateNotCurrent");
      const early = makeDeviceCertificate(issuing, {
        key: keys.publicKey,
        notBefore: new Date("2060-01-01T00:00:00Z"),
      });
      expect(refusedWith(early)).to.equal("CertificateNotCurrent");
    });

    it("include both ends, to the second", () => {
      const [from, to] = [new Date("2055-03-01T00:00:00Z"), new Date("2055-03-02T12:30:15Z")];
      const leaf = makeDeviceCertificate(issuing, { key: keys.publicKey, notBefore: from, notAfter: to });
      const at = (date: Date, shift: number) => ({ at: date.getTime() / 1000 + shift });
      expect(check(leaf, undefined, at(from, 0)).notBefore).to.equal(from.getTime() / 1000);
      expect(check(leaf, undefined, at(to, 0)).notAfter).to.equal(to.getTime() / 1000);
      expect(refusedWith(leaf, undefined, at(from, -1))).to.equal("CertificateNotCurrent");
      expect(refusedWith(leaf, undefined, at(to, 1))).to.equal("CertificateNotCurrent");
    });
  });

  describe("the profile", () => {
    const like = (plan: Parameters<typeof makeDeviceCertificate>[1]) =>
      refusedWith(makeDeviceCertificate(issuing, plan));
    const key = keys.publicKey;

    for (const [what, plan] of [
      ["an authority", { extensions: [basicConstraints(true), authorityKeyId(issuing.keys.publicKey)] }],
      ["without a subject", { subject: [] }],
      ["with serial number 0", { serial: 0n }],
      ["with a serial number of 21 bytes", { serial: 1n << 160n }],
      ["without the authority's key id", { extensions: [keyUsage([0])] }],
      ["that may not sign", { extensions: [keyUsage([2]), authorityKeyId(issuing.keys.publicKey)] }],
      [
        "that may sign certificates",
        { extensions: [keyUsage([0, 5]), authorityKeyId(issuing.keys.publicKey)] },
      ],
      ["of version 1", { version: 1, extensions: [] }],
      ["of version 2", { version: 2 }],
    ] as const) {
      it(`refuses one ${what}`, () => {
        expect(like({ key, ...plan })).to.equal("CertificateProfileViolated");
      });
    }

    it("refuses critical extensions it does not know, and name constraints in any case", () => {
      const own = deviceExtensions(issuing);
      const unknown = extension("1.2.3.4", true, tlv(5));
      expect(like({ key, extensions: [...own, unknown] })).to.equal("CertificateExtensionRefused");
      expect(
        check(
          makeDeviceCertificate(issuing, { key, extensions: [...own, extension("1.2.3.4", false, tlv(5))] }),
        ).boundBy,
      ).to.equal("key");
      const constraints = extension("2.5.29.30", false, sequence());
      expect(like({ key, extensions: [...own, constraints] })).to.equal("CertificateExtensionRefused");
    });
  });

  describe("the device", () => {
    it("is not another one: another DID, chain or key", () => {
      const other = `did:tenon:31337:${"cd".repeat(32)}`;
      for (const uris of [
        [other],
        [did, other],
        [did.replace("31337", "1337")],
        [did.toUpperCase().replace("DID:TENON", "did:tenon")],
      ]) {
        const leaf = makeDeviceCertificate(issuing, { key: keys.publicKey, uris });
        expect(refusedWith(leaf), String(uris)).to.equal("CertificateDeviceMismatch");
      }
      const leaf = makeDeviceCertificate(issuing, {
        key: ecKeys().publicKey,
        uris: ["https://example.com/1"],
      });
      expect(refusedWith(leaf)).to.equal("CertificateDeviceMismatch");
      const k1 = makeDeviceCertificate(issuing, { key: ecKeys("secp256k1").publicKey });
      expect(refusedWith(k1)).to.equal("CertificateDeviceMismatch");
    });

    it("has another key since: its birth certificate proves nothing more, even by DID", () => {
      const rotated = { device: { ...device, keyId: idOf(ecKeys()) } };
      expect(refusedWith(good, undefined, rotated)).to.equal("CertificateKeyReplaced");
      const byKey = makeDeviceCertificate(issuing, { key: keys.publicKey });
      expect(refusedWith(byKey, undefined, rotated)).to.equal("CertificateKeyReplaced");
    });

    it("may have a secp256k1 key", () => {
      const k1 = ecKeys("secp256k1");
      const leaf = makeDeviceCertificate(issuing, { key: k1.publicKey });
      expect(check(leaf, undefined, { device: { chainId, id: idOf(k1) } }).boundBy).to.equal("key");
    });
  });

  describe("bytes that are no certificate", () => {
    const own = deviceExtensions(issuing);
    const key = keys.publicKey;
    const twice = makeDeviceCertificate(issuing, { key, extensions: [...own, keyUsage([0])] });
    const mixed = makeDeviceCertificate(issuing, { key, outerAlgorithm: sequence(oid(OID.rsaSha256)) });
    const nonDerFalse = sequence(
      oid("2.5.29.15"),
      tlv(1, Buffer.from([0])),
      tlv(4, tlv(3, Buffer.from([7, 128]))),
    );

    for (const [what, bytes] of [
      ["nothing", new Uint8Array()],
      ["a private key", Buffer.from("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")],
      ["a certificate cut off", good.subarray(0, good.length - 1)],
      ["a certificate with a tail", Buffer.concat([good, Buffer.from([0])])],
      ["an extension twice", twice],
      ["two algorithms", mixed],
      ["a truth value not in DER", makeDeviceCertificate(issuing, { key, extensions: [nonDerFalse] })],
      ["an indefinite length", Buffer.from([0x30, 0x80, 0, 0])],
      ["a long length for a short value", Buffer.from([0x30, 0x81, 1, 0])],
      ["a length far beyond the bytes", Buffer.from([0x30, 0x83, 0xff, 0xff, 0xff, 0x30])],
    ] as const) {
      it(`refuses ${what}`, () => {
        expect(codeOf(() => readCertificate(bytes))).to.equal("CertificateMalformed");
      });
    }

    it("says what is wrong, where, and what to do", () => {
      try {
        check(makeDeviceCertificate(issuing, { key, serial: 0n }));
        expect.fail("was taken");
      } catch (error) {
        const { args, remedy } = error as CertificateError;
        expect(args).to.include({ rule: "the serial number is from 1 to 20 bytes", found: 0n });
        expect(remedy).to.match(/802\.1AR/);
      }
    });

    it("needs one certificate where one is asked for", () => {
      expect(codeOf(() => readCertificate(pem(good, root.der)))).to.equal("CertificateMalformed");
    });
  });
});

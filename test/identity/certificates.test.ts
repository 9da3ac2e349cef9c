import { expect } from "chai";
import { id, ZeroHash } from "ethers";
import { network } from "hardhat";
import type { Hex } from "../../sdk/src/bytes.js";
import { DAY, OrgStatus } from "../support/consortium.js";
import { DeviceStatus } from "../support/devices.js";
import {
  AuthorityKind,
  CertificateReason,
  deployFacts,
  type Facts,
  handOver,
  newDevice,
  relay,
} from "../support/facts.js";
import { expectGas } from "../support/gas.js";
import { makeKey, type TestKey } from "../support/keys.js";
import { expectRefused } from "../support/refused.js";

const { ethers, networkHelpers } = await network.create();

const [FACTORY, OWNERS] = [1n, 2n];
const [caHash, ownCaHash] = [id("factory authority"), id("owner's authority")];
/** 9999-12-31T23:59:59Z and one: what IEEE 802.1AR recommends for a factory certificate. */
const FOR_EVER = 253_402_300_800n;

describe("DeviceCertificates", () => {
  let facts: Facts;
  let device: TestKey;
  let until: bigint;

  const fixture = async () => {
    const world = await deployFacts(ethers);
    const { certificates, registrar, makerOrg, oneOrg } = world;
    const key = await newDevice(world, world.oneOrg, makeKey(1, id("a certified device") as Hex));
    const end = BigInt(await networkHelpers.time.latest()) + 100n * DAY;
    const admit = certificates.connect(registrar).admitAuthority;
    await admit(caHash, makerOrg, AuthorityKind.Factory, end);
    await admit(ownCaHash, oneOrg, AuthorityKind.Owner, end);
    return { world, key, end };
  };
  beforeEach(async () => {
    ({ world: facts, key: device, end: until } = await networkHelpers.loadFixture(fixture));
  });

  const bindFactory = (hash = id("idevid"), end = FOR_EVER, key = device) =>
    facts.certificates
      .connect(facts.certifier)
      .bind(FACTORY, [{ device: key.id, certificateHash: hash, until: end }]);
  const bindOwn = (hash = id("ldevid"), key = device) =>
    facts.certificates
      .connect(facts.ownCertifier)
      .bind(OWNERS, [{ device: key.id, certificateHash: hash, until }]);
  const reason = (hash: string, key = device) => facts.certificates.explain(key.id, hash);
  /** `explain` and `requireGood` say the same. */
  const expectReason = async (hash: string, expected: keyof typeof CertificateReason, key = device) => {
    expect(await reason(hash, key)).to.equal(CertificateReason[expected]);
    const { certificates } = facts;
    if (expected === "Good") await certificates.requireGood(key.id, hash);
    else {
      await expect(certificates.requireGood(key.id, hash))
        .to.be.revertedWithCustomError(certificates, "CertificateRefused")
        .withArgs(key.id, hash, CertificateReason[expected]);
    }
  };
  const unchanged = (hash: string) => async () => [
    await facts.certificates.certificate(hash),
    await facts.certificates.authorityOf(FACTORY),
    await facts.certificates.authorities(),
  ];

  describe("authorities", () => {
    it("are admitted by the registrar, numbered, and found by their hash", async () => {
      const { certificates, registrar, twoOrg } = facts;
      const hash = id("a third");
      await expect(certificates.connect(registrar).admitAuthority(hash, twoOrg, AuthorityKind.Factory, until))
        .to.emit(certificates, "AuthorityAdmitted")
        .withArgs(3n, twoOrg, hash, AuthorityKind.Factory, until);
      expect(await certificates.authorityIdOf(hash)).to.equal(3n);
      const { org, kind, until: end, revoked } = await certificates.authorityOf(3n);
      expect([org, kind, end, revoked]).to.deep.equal([twoOrg, AuthorityKind.Factory, until, false]);
      expect(await certificates.authorities()).to.equal(3n);
    });

    it("are refused without a hash, a kind, a term, twice, or for an organisation that is not active", async () => {
      const { certificates, registrar, guardian, consortium, makerOrg, twoOrg } = facts;
      const now = BigInt(await networkHelpers.time.latest());
      const hash = id("another");
      const send = certificates.connect(registrar).admitAuthority;
      const state = unchanged(hash);
      const { Factory, None } = AuthorityKind;
      await expectRefused(
        (o) => send(ZeroHash, makerOrg, Factory, until, o),
        certificates,
        "CertificateHashMissing",
        [],
        state,
      );
      await expectRefused(
        (o) => send(hash, makerOrg, None, until, o),
        certificates,
        "AuthorityKindMissing",
        [],
        state,
      );
      await expectRefused(
        (o) => send(hash, makerOrg, Factory, now, o),
        certificates,
        "CertificateTermInvalid",
        [now, (v: bigint) => v > now],
        state,
      );
      await expectRefused(
        (o) => send(caHash, makerOrg, Factory, until, o),
        certificates,
        "AuthorityTaken",
        [caHash, FACTORY],
        state,
      );
      await consortium.connect(guardian).suspend(twoOrg);
      await expectRefused(
        (o) => send(hash, twoOrg, Factory, until, o),
        consortium,
        "OrganisationNotActive",
        [twoOrg, OrgStatus.Suspended],
        state,
      );
      await expectRefused(
        (o) => certificates.connect(facts.stranger).admitAuthority(hash, makerOrg, Factory, until, o),
        certificates,
        "AccessManagedUnauthorized",
        [facts.stranger.address],
        state,
      );
    });

    it("are renewed by the registrar, also after their end", async () => {
      const { certificates, registrar } = facts;
      await bindFactory();
      await networkHelpers.time.increaseTo(until);
      await expectReason(id("idevid"), "AuthorityExpired");
      await expectRefused(
        (o) =>
          certificates
            .connect(facts.certifier)
            .bind(FACTORY, [{ device: device.id, certificateHash: id("late"), until: FOR_EVER }], o),
        certificates,
        "AuthorityExpired",
        [FACTORY, until],
        unchanged(id("late")),
      );
      const later = until + DAY;
      await expect(certificates.connect(registrar).renewAuthority(FACTORY, later))
        .to.emit(certificates, "AuthorityRenewed")
        .withArgs(FACTORY, until, later);
      await expectReason(id("idevid"), "Good");
      const state = unchanged(id("idevid"));
      await expectRefused(
        (o) => certificates.connect(registrar).renewAuthority(9n, later, o),
        certificates,
        "AuthorityUnknown",
        [9n],
        state,
      );
      await expectRefused(
        (o) => certificates.connect(registrar).renewAuthority(FACTORY, 1n, o),
        certificates,
        "CertificateTermInvalid",
        [1n, (v: bigint) => v > 1n],
        state,
      );
    });

    it("end for ever at the guardian's word, with all they vouched for", async () => {
      const { certificates, guardian, registrar } = facts;
      await bindFactory();
      await expect(certificates.connect(guardian).revokeAuthority(FACTORY, 2))
        .to.emit(certificates, "AuthorityRevoked")
        .withArgs(FACTORY, 2n, guardian.address);
      await expectReason(id("idevid"), "AuthorityRevoked");
      const state = unchanged(id("idevid"));
      await expectRefused(
        (o) => certificates.connect(guardian).revokeAuthority(FACTORY, 2, o),
        certificates,
        "AuthorityIsRevoked",
        [FACTORY],
        state,
      );
      await expectRefused(
        (o) => certificates.connect(guardian).revokeAuthority(7n, 2, o),
        certificates,
        "AuthorityUnknown",
        [7n],
        state,
      );
      await expectRefused(
        (o) => certificates.connect(guardian).revokeAuthority(OWNERS, 6, o),
        certificates,
        "RevocationReasonInvalid",
        [6n],
        state,
      );
      await expectRefused(
        (o) => certificates.connect(registrar).renewAuthority(FACTORY, until + 1n, o),
        certificates,
        "AuthorityIsRevoked",
        [FACTORY],
        state,
      );
      await expectRefused(
        (o) => certificates.connect(registrar).revokeAuthority(OWNERS, 2, o),
        certificates,
        "AccessManagedUnauthorized",
        [registrar.address],
        state,
      );
      await expectRefused(
        (o) =>
          certificates
            .connect(facts.certifier)
            .bind(FACTORY, [{ device: device.id, certificateHash: id("late"), until: FOR_EVER }], o),
        certificates,
        "AuthorityIsRevoked",
        [FACTORY],
        state,
      );
      await expectRefused(
        (o) => certificates.connect(registrar).admitAuthority(caHash, facts.makerOrg, 1n, until, o),
        certificates,
        "AuthorityTaken",
        [caHash, FACTORY],
        state,
      );
    });
  });

  describe("binding", () => {
    it("is one word, and the certificate counts", async () => {
      const bound = bindFactory();
      await expect(bound)
        .to.emit(facts.certificates, "CertificateBound")
        .withArgs(device.id, id("idevid"), FACTORY, FOR_EVER, 1n, facts.certifier.address);
      await expectReason(id("idevid"), "Good");
      const word = await facts.certificates.certificate(id("idevid"));
      const tail = BigInt(device.id) & ((1n << 160n) - 1n);
      expect([...word]).to.deep.equal([tail, FACTORY, FOR_EVER, 1n, false]);
      expectGas("Bind a certificate to a device", (await (await bound).wait())!.gasUsed);
    });

    it("takes a whole batch, or nothing of it", async () => {
      const many = await Promise.all(
        Array.from({ length: 100 }, (_, i) => ({
          device: device.id,
          certificateHash: id(`c${i}`),
          until: FOR_EVER,
        })),
      );
      const bind = facts.certificates.connect(facts.certifier).bind;
      const bad = [...many, { device: device.id, certificateHash: ZeroHash, until: FOR_EVER }];
      await expectRefused(
        (o) => bind(FACTORY, bad, { ...o, gasLimit: 9_000_000n }),
        facts.certificates,
        "CertificateHashMissing",
        [],
        unchanged(id("c0")),
      );
      const { gasUsed } = (await (await bind(FACTORY, many)).wait())!;
      expectGas("Bind a certificate, batch of 100, each", gasUsed / 100n);
      await expectReason(id("c99"), "Good");
    });

    it("is refused to everybody but a certifier of the authority's organisation", async () => {
      const { certificates, consortium, ownCertifier, maker, one } = facts;
      const hash = id("c");
      const by =
        (signer: typeof maker, authority = FACTORY) =>
        (o: object) =>
          certificates
            .connect(signer)
            .bind(authority, [{ device: device.id, certificateHash: hash, until: FOR_EVER }], o);
      const state = unchanged(hash);
      await expectRefused(by(maker), consortium, "RoleMissing", [maker.address, 8n], state);
      await expectRefused(by(one, OWNERS), consortium, "RoleMissing", [one.address, 8n], state);
      await expectRefused(by(ownCertifier), certificates, "AuthorityForeign", [FACTORY, facts.oneOrg], state);
      await expectRefused(by(facts.certifier, 9n), certificates, "AuthorityUnknown", [9n], state);
    });

    it("is refused for what is not there, not in time, bound already, unknown or ended", async () => {
      const { certificates, registry, authority } = facts;
      const hash = id("c");
      const send = (one: object, o: object) =>
        certificates
          .connect(facts.certifier)
          .bind(FACTORY, [{ device: device.id, certificateHash: hash, until: FOR_EVER, ...one }], o);
      const state = unchanged(hash);
      const now = BigInt(await networkHelpers.time.latest());
      const other = makeKey(1);
      await expectRefused(
        (o) => certificates.connect(facts.certifier).bind(FACTORY, [], o),
        certificates,
        "BindingsEmpty",
        [],
        state,
      );
      await expectRefused(
        (o) => send({ certificateHash: ZeroHash }, o),
        certificates,
        "CertificateHashMissing",
        [],
        state,
      );
      await expectRefused(
        (o) => send({ until: now }, o),
        certificates,
        "CertificateTermInvalid",
        [now, (v: bigint) => v > now],
        state,
      );
      await expectRefused((o) => send({ device: other.id }, o), registry, "DeviceUnknown", [other.id], state);
      await bindFactory(id("taken"));
      const tail = BigInt(device.id) & ((1n << 160n) - 1n);
      await expectRefused(
        (o) => send({ certificateHash: id("taken") }, o),
        certificates,
        "CertificateTaken",
        [id("taken"), tail],
        state,
      );
      await registry.connect(authority).revoke(device.id);
      await expectRefused((o) => send({}, o), registry, "DeviceEnded", [device.id], state);
      await expectReason(id("taken"), "DeviceRevoked");
    });

    it("of an owner's authority is for what its organisation holds", async () => {
      const foreign = await newDevice(facts, facts.twoOrg);
      const { certificates, ownCertifier, oneOrg } = facts;
      await expectRefused(
        (o) =>
          certificates
            .connect(ownCertifier)
            .bind(OWNERS, [{ device: foreign.id, certificateHash: id("x"), until }], o),
        certificates,
        "DeviceNotHeld",
        [foreign.id, oneOrg],
        unchanged(id("x")),
      );
      await bindOwn();
      await expectReason(id("ldevid"), "Good");
    });

    it("is also done by a signature that anybody brings", async () => {
      const { certificates, certifier, stranger } = facts;
      const call = certificates.interface.encodeFunctionData("bind", [
        FACTORY,
        [{ device: device.id, certificateHash: id("relayed"), until: FOR_EVER }],
      ]);
      await expect(relay(certificates, certifier, stranger, call))
        .to.emit(certificates, "CertificateBound")
        .withArgs(device.id, id("relayed"), FACTORY, FOR_EVER, 1n, certifier.address);
    });

    it("stops while paused, and revoking does not", async () => {
      const { certificates, guardian, certifier } = facts;
      await bindFactory();
      const selector = certificates.interface.getFunction("bind").selector;
      const end = BigInt(await networkHelpers.time.latest()) + DAY;
      await certificates.connect(guardian).pause([selector], end, "a certifier's key leaked");
      await expectRefused(
        (o) =>
          certificates
            .connect(certifier)
            .bind(FACTORY, [{ device: device.id, certificateHash: id("c"), until: FOR_EVER }], o),
        certificates,
        "ActionPaused",
        [selector, end],
        unchanged(id("c")),
      );
      await certificates.connect(certifier).revoke(id("idevid"), 1);
      await expectReason(id("idevid"), "Revoked");
    });
  });

  describe("what counts", () => {
    it("a certificate until its own end, for its own device only", async () => {
      const other = await newDevice(facts);
      const end = BigInt(await networkHelpers.time.latest()) + DAY;
      await bindFactory(id("short"), end);
      await expectReason(id("short"), "OtherDevice", other);
      await expectReason(id("never bound"), "Unknown");
      await expectReason(id("short"), "OtherDevice", makeKey(1));
      await networkHelpers.time.increaseTo(end - 1n);
      await expectReason(id("short"), "Good");
      await networkHelpers.time.increaseTo(end);
      await expectReason(id("short"), "Expired");
    });

    it("a factory certificate under every owner, an owner's only in its epoch", async () => {
      await bindFactory();
      await bindOwn();
      await handOver(facts, [device], facts.one, facts.two, facts.twoOrg);
      await expectReason(id("idevid"), "Good");
      await expectReason(id("ldevid"), "EpochEnded");
      await handOver(facts, [device], facts.two, facts.one, facts.oneOrg);
      await expectReason(id("ldevid"), "EpochEnded");
      await bindOwn(id("ldevid 2"));
      await expectReason(id("ldevid 2"), "Good");
    });

    it("also for a suspended device", async () => {
      await bindFactory();
      await facts.registry.connect(facts.one).suspend(device.id);
      expect((await facts.registry.record(device.id)).status).to.equal(DeviceStatus.SuspendedByOwner);
      await expectReason(id("idevid"), "Good");
    });
  });

  describe("revocation", () => {
    it("is for ever, by the certifier's organisation, with a reason of RFC 5280", async () => {
      const { certificates, certifier } = facts;
      await bindFactory();
      const revoked = certificates.connect(certifier).revoke(id("idevid"), 1);
      await expect(revoked)
        .to.emit(certificates, "CertificateRevoked")
        .withArgs(id("idevid"), 1n, certifier.address);
      expectGas("Revoke a certificate", (await (await revoked).wait())!.gasUsed);
      await expectReason(id("idevid"), "Revoked");
      const tail = BigInt(device.id) & ((1n << 160n) - 1n);
      await expectRefused(
        (o) =>
          certificates
            .connect(certifier)
            .bind(FACTORY, [{ device: device.id, certificateHash: id("idevid"), until: FOR_EVER }], o),
        certificates,
        "CertificateTaken",
        [id("idevid"), tail],
        unchanged(id("idevid")),
      );
    });

    it("takes every reason that cannot be undone, and no other", async () => {
      const { certificates, certifier } = facts;
      for (let code = 0; code < 12; code++) {
        const hash = id(`reason ${code}`);
        await bindFactory(hash);
        if ([0, 1, 2, 3, 4, 5, 9, 10].includes(code)) {
          await certificates.connect(certifier).revoke(hash, code);
          await expectReason(hash, "Revoked");
        } else {
          await expectRefused(
            (o) => certificates.connect(certifier).revoke(hash, code, o),
            certificates,
            "RevocationReasonInvalid",
            [BigInt(code)],
            unchanged(hash),
          );
        }
      }
      await bindFactory(id("far"));
      await expectRefused(
        (o) => certificates.connect(certifier).revoke(id("far"), 255, o),
        certificates,
        "RevocationReasonInvalid",
        [255n],
        unchanged(id("far")),
      );
    });

    it("is refused to others, for an unknown one, and twice", async () => {
      const { certificates, consortium, certifier, ownCertifier, stranger } = facts;
      await bindFactory();
      const hash = id("idevid");
      const state = unchanged(hash);
      await expectRefused(
        (o) => certificates.connect(stranger).revoke(hash, 0, o),
        consortium,
        "SignatoryUnknown",
        [stranger.address],
        state,
      );
      await expectRefused(
        (o) => certificates.connect(ownCertifier).revoke(hash, 0, o),
        certificates,
        "AuthorityForeign",
        [FACTORY, facts.oneOrg],
        state,
      );
      await expectRefused(
        (o) => certificates.connect(certifier).revoke(id("none"), 0, o),
        certificates,
        "CertificateUnknown",
        [id("none")],
        state,
      );
      await certificates.connect(certifier).revoke(hash, 0);
      await expectRefused(
        (o) => certificates.connect(certifier).revoke(hash, 0, o),
        certificates,
        "CertificateIsRevoked",
        [hash],
        unchanged(hash),
      );
    });
  });
});

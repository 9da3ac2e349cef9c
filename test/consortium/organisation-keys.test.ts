import { expect } from "chai";
import { ZeroHash } from "ethers";
import { type Assets, deployAssets, newChain, UNTIL, Use } from "../support/assets.js";
import { admit, grant, Role } from "../support/consortium.js";
import { makeKey } from "../support/keys.js";
import { expectRefused } from "../support/refused.js";
import { signAct } from "../support/signed-acts.js";

const { ethers, networkHelpers } = await newChain();
const { time } = networkHelpers;

describe("OrganisationKeys", () => {
  let world: Assets;
  const fixture = () => deployAssets(ethers);
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(fixture);
  });

  const state = async () => {
    const { organisationKeys, orgs } = world;
    const keys = [orgs.holder, orgs.court].flatMap((org) =>
      Object.values(Use).map((use) => organisationKeys.keyOf(org, use)),
    );
    return [await Promise.all(keys), await organisationKeys.disclosureKeys()];
  };

  const none = (org: bigint, use: bigint) => [org, use, 0n, 0n, ethers.ZeroAddress, ZeroHash, ZeroHash];

  for (const [name, use] of Object.entries(Use)) {
    const by = use === Use.Disclosure ? "judge" : "keeper";

    it(`publishes a key for ${name}; the versions before it stay readable`, async () => {
      const { organisationKeys, orgs } = world;
      const publisher = world[by];
      const org = use === Use.Disclosure ? orgs.court : orgs.holder;
      expect(await organisationKeys.keyOf(org, use)).to.deep.equal(none(org, use));
      const expected: unknown[] = [];
      for (const version of [1n, 2n, 3n]) {
        const { x, y } = makeKey(1);
        await expect(organisationKeys.connect(publisher).publish(use, x, y))
          .to.emit(organisationKeys, "KeyPublished")
          .withArgs(org, use, version, x, y, publisher.address);
        const since = BigInt(await time.latest());
        expected.push([org, use, version, since, publisher.address, x, y]);
        expect(await organisationKeys.keyOf(org, use)).to.deep.equal(expected.at(-1));
      }
      for (const [i, key] of expected.entries()) {
        expect(await organisationKeys.keyAt(org, use, BigInt(i + 1))).to.deep.equal(key);
      }
      for (const version of [0n, 4n]) {
        expect(await organisationKeys.keyAt(org, use, version)).to.deep.equal(none(org, use));
      }
      for (const other of Object.values(Use).filter((one) => one !== use)) {
        expect(await organisationKeys.keyOf(org, other)).to.deep.equal(none(org, other));
      }
    });

    it(`publishes and withdraws no key for ${name} for anybody but a ${by}`, async () => {
      const { organisationKeys, consortium, guardian, orgs, stranger, bailiff, judge, keeper } = world;
      const role = use === Use.Disclosure ? Role.Regulator : Role.DeviceManager;
      const wrong = use === Use.Disclosure ? keeper : judge;
      const { x, y } = makeKey(1);
      await organisationKeys.connect(world[by]).publish(use, x, y);
      const refused = async (account: typeof judge, error: string, args: unknown[]) => {
        const publish = (sent: object) => organisationKeys.connect(account).publish(use, x, y, sent);
        await expectRefused(publish, consortium, error, args, state);
        const withdraw = (sent: object) => organisationKeys.connect(account).withdraw(use, sent);
        await expectRefused(withdraw, consortium, error, args, state);
      };
      await refused(stranger, "SignatoryUnknown", [stranger.address]);
      await refused(wrong, "RoleMissing", [wrong.address, role]);
      await refused(bailiff, "RoleMissing", [bailiff.address, role]);
      const org = use === Use.Disclosure ? orgs.court : orgs.holder;
      await consortium.connect(guardian).suspend(org);
      await refused(world[by], "OrganisationNotActive", [org, 2n]);
    });

    it(`withdraws a key for ${name} until another is published`, async () => {
      const { organisationKeys, orgs } = world;
      const publisher = organisationKeys.connect(world[by]);
      const org = use === Use.Disclosure ? orgs.court : orgs.holder;
      const missing = (sent: object) => publisher.withdraw(use, sent);
      await expectRefused(missing, organisationKeys, "KeyMissing", [org, use], state);
      const { x, y } = makeKey(1);
      await publisher.publish(use, x, y);
      await expect(publisher.withdraw(use))
        .to.emit(organisationKeys, "KeyWithdrawn")
        .withArgs(org, use, 1n, world[by].address);
      const key = await organisationKeys.keyOf(org, use);
      expect([key.version, key.x, key.y]).to.deep.equal([2n, ZeroHash, ZeroHash]);
      await expectRefused(missing, organisationKeys, "KeyMissing", [org, use], state);
      expect((await organisationKeys.keyAt(org, use, 1n)).x).to.equal(x);
      await publisher.publish(use, x, y);
      expect((await organisationKeys.keyOf(org, use)).version).to.equal(3n);
    });
  }

  it("refuses what is no point of P-256", async () => {
    const { organisationKeys, keeper } = world;
    const [good, other] = [makeKey(1), makeKey(8)];
    const prime = "0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff";
    const points = [
      [ZeroHash, ZeroHash],
      [good.x, good.x],
      [good.x, ZeroHash],
      [other.x, other.y],
      [prime, good.y],
      [good.x, `0x${"ff".repeat(32)}`],
    ] as const;
    for (const [x, y] of points) {
      await expectRefused(
        (sent) => organisationKeys.connect(keeper).publish(Use.Encryption, x, y, sent),
        organisationKeys,
        "KeyPointInvalid",
        [x, y],
        state,
      );
    }
  });

  it("is done in a device manager's name by its signature", async () => {
    const { organisationKeys, keeper, stranger, orgs } = world;
    const { x, y } = makeKey(1);
    const call = organisationKeys.interface.encodeFunctionData("publish", [Use.Encryption, x, y]);
    const act = { signer: keeper.address, call, nonce: 0n, deadline: UNTIL };
    const signature = await signAct(organisationKeys, keeper, act);
    await organisationKeys.connect(stranger).act(keeper.address, call, 0n, UNTIL, signature);
    const key = await organisationKeys.keyOf(orgs.holder, Use.Encryption);
    expect([key.publisher, key.x]).to.deep.equal([keeper.address, x]);
  });

  describe("disclosure", () => {
    const listed = async () => (await world.organisationKeys.disclosureKeys()).map(({ org, x }) => [org, x]);

    it("lists the newest keys of those who are regulators now", async () => {
      const { organisationKeys, consortium, guardian, registrar, judge, clerk, watch, keeper, orgs } = world;
      expect(await listed()).to.deep.equal([]);
      const [old, court, agency] = [makeKey(1), makeKey(1), makeKey(1)];
      await organisationKeys.connect(judge).publish(Use.Disclosure, old.x, old.y);
      await organisationKeys.connect(watch).publish(Use.Disclosure, agency.x, agency.y);
      await organisationKeys.connect(clerk).publish(Use.Disclosure, court.x, court.y);
      await organisationKeys.connect(keeper).publish(Use.Encryption, old.x, old.y);
      const both = [
        [orgs.court, court.x],
        [orgs.agency, agency.x],
      ];
      expect(await listed()).to.deep.equal(both);
      await organisationKeys.connect(watch).withdraw(Use.Disclosure);
      expect(await listed()).to.deep.equal(both.slice(0, 1));
      await organisationKeys.connect(watch).publish(Use.Disclosure, agency.x, agency.y);
      expect(await listed()).to.deep.equal(both);

      await consortium.connect(guardian).suspend(orgs.agency);
      expect(await listed()).to.deep.equal(both.slice(0, 1));
      await consortium.connect(registrar).reinstate(orgs.agency);
      expect(await listed()).to.deep.equal(both);
      await consortium.connect(clerk).forfeit(Role.Regulator);
      expect(await listed()).to.deep.equal(both.slice(1));
    });

    it("has room for sixteen, and for another when one has left", async () => {
      const { organisationKeys, consortium, registrar, judge, others, orgs } = world;
      const { x, y } = makeKey(1);
      await organisationKeys.connect(judge).publish(Use.Disclosure, x, y);
      const regulator = async (i: number) => {
        const account = ethers.Wallet.createRandom().connect(
          ethers.provider,
        ) as unknown as (typeof others)[0];
        const org = await admit(world, `regulator ${i}`, account);
        await grant(world, account, Role.Regulator);
        return { account, org };
      };
      const free = { type: 2, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n };
      for (let i = 2; i <= 16; i++) {
        const { account } = await regulator(i);
        await organisationKeys.connect(account).publish(Use.Disclosure, x, y, free);
      }
      expect(await listed()).to.have.length(16);
      const late = await regulator(17);
      await expect(organisationKeys.connect(late.account).publish(Use.Disclosure, x, y, free))
        .to.be.revertedWithCustomError(organisationKeys, "DisclosersFull")
        .withArgs(16n);
      await consortium.connect(registrar).exit(orgs.court);
      await organisationKeys.connect(late.account).publish(Use.Disclosure, x, y, free);
      expect((await listed()).map(([org]) => org))
        .to.include(late.org)
        .and.not.to.include(orgs.court);
      expect(await listed()).to.have.length(16);
    });
  });
});

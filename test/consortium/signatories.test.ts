import { expect } from "chai";
import { dataSlice, id, ZeroAddress } from "ethers";
import { network } from "hardhat";
import { admit, deployConsortium, grant, OrgStatus, Role } from "../support/consortium.js";
import { deployIdentity } from "../support/devices.js";
import { expectRefused } from "../support/refused.js";

const { ethers, networkHelpers } = await network.create();

describe("Consortium: signatories", () => {
  const fixture = async () => {
    const base = await deployConsortium(ethers);
    const [alice, bob] = base.others;
    const org = await admit(base, "one", alice!);
    const other = await admit(base, "two");
    return {
      ...base,
      alice: alice!,
      bob: bob!,
      org,
      other,
      register: base.consortium.connect(base.registrar),
      guard: base.consortium.connect(base.guardian),
    };
  };
  let world: Awaited<ReturnType<typeof fixture>>;
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(fixture);
  });

  const stateOf = (account: string) => async () => [
    await world.consortium.orgOf(account),
    await world.consortium.signatoriesOf(world.org),
    await world.consortium.signatoriesOf(world.other),
  ];

  it("makes an account act for its organisation", async () => {
    const { consortium, register, org, alice, bob } = world;
    await expect(register.addSignatory(org, bob.address))
      .to.emit(consortium, "SignatoryAdded")
      .withArgs(org, bob.address);
    expect(await consortium.orgOf(bob.address)).to.equal(org);
    expect(await consortium.signatoriesOf(org)).to.deep.equal([alice.address, bob.address]);
  });

  it("answers 0 for a stranger", async () => {
    expect(await world.consortium.orgOf(world.bob.address)).to.equal(0n);
  });

  it("refuses the zero address", async () => {
    const { register, org } = world;
    const add = (sent: object) => register.addSignatory(org, ZeroAddress, sent);
    await expectRefused(add, register, "SignatoryUnknown", [ZeroAddress], stateOf(ZeroAddress));
  });

  it("refuses an unknown organisation", async () => {
    const { register, bob } = world;
    const add = (sent: object) => register.addSignatory(99n, bob.address, sent);
    await expectRefused(add, register, "OrganisationUnknown", [99n], stateOf(bob.address));
  });

  it("refuses an account of another organisation, or of the same", async () => {
    const { register, org, other, alice } = world;
    for (const target of [org, other]) {
      const add = (sent: object) => register.addSignatory(target, alice.address, sent);
      await expectRefused(add, register, "SignatoryTaken", [alice.address, org], stateOf(alice.address));
    }
  });

  it("never takes a removed account back, anywhere", async () => {
    const { consortium, register, guard, org, other, alice } = world;
    await expect(guard.removeSignatory(alice.address))
      .to.emit(consortium, "SignatoryRemoved")
      .withArgs(org, alice.address);
    expect(await consortium.orgOf(alice.address)).to.equal(0n);
    expect(await consortium.signatoriesOf(org)).to.deep.equal([]);
    for (const target of [org, other]) {
      const add = (sent: object) => register.addSignatory(target, alice.address, sent);
      await expectRefused(add, register, "SignatoryTaken", [alice.address, org], stateOf(alice.address));
    }
    const remove = (sent: object) => guard.removeSignatory(alice.address, sent);
    await expectRefused(remove, guard, "SignatoryUnknown", [alice.address], stateOf(alice.address));
  });

  it("ends every role of a removed account and names each", async () => {
    const { consortium, guard, org, alice, guardian } = world;
    const roles = [Role.Manufacturer, Role.Treasurer];
    for (const role of roles) await grant(world, alice, role);
    const removal = guard.removeSignatory(alice.address);
    for (const role of roles) {
      await expect(removal)
        .to.emit(consortium, "RoleRevoked")
        .withArgs(org, alice.address, role, guardian.address);
      expect(await consortium.hasRole(alice.address, role)).to.equal(false);
      expect(await consortium.termOf(alice.address, role)).to.deep.equal([0n, 0n]);
    }
    const events = await consortium.queryFilter(consortium.filters.RoleRevoked(), -1);
    expect(events).to.have.length(2);
  });

  it("lets a signatory leave by itself, with all its roles and for good", async () => {
    const { consortium, register, org, alice, bob } = world;
    await grant(world, alice, Role.Treasurer);
    const leaving = consortium.connect(alice).resign();
    await expect(leaving).to.emit(consortium, "SignatoryRemoved").withArgs(org, alice.address);
    await expect(leaving)
      .to.emit(consortium, "RoleRevoked")
      .withArgs(org, alice.address, Role.Treasurer, alice.address);
    expect(await consortium.grantsOf(alice.address)).to.deep.equal([]);
    expect(await consortium.signatoriesOf(org)).to.deep.equal([]);
    const add = (sent: object) => register.addSignatory(org, alice.address, sent);
    await expectRefused(add, register, "SignatoryTaken", [alice.address, org], stateOf(alice.address));
    for (const account of [alice, bob]) {
      const resign = (sent: object) => consortium.connect(account).resign(sent);
      await expectRefused(
        resign,
        consortium,
        "SignatoryUnknown",
        [account.address],
        stateOf(account.address),
      );
    }
  });

  describe("a lost signatory", () => {
    it("is replaced with its roles, terms and limits, and the listener knows", async () => {
      const { consortium, register, registrar, org, alice, bob } = world;
      const { registry } = await deployIdentity(ethers, world);
      const made = await grant(world, alice, Role.Manufacturer, 30n, 500n);
      const paid = await grant(world, alice, Role.Treasurer, 9n);
      const replacing = register.replaceSignatory(alice.address, bob.address);
      await expect(replacing)
        .to.emit(consortium, "SignatoryReplaced")
        .withArgs(org, alice.address, bob.address);
      await expect(replacing).to.emit(consortium, "SignatoryRemoved").withArgs(org, alice.address);
      await expect(replacing).to.emit(consortium, "SignatoryAdded").withArgs(org, bob.address);
      for (const [role, { until, limit }] of [
        [Role.Manufacturer, made],
        [Role.Treasurer, paid],
      ] as const) {
        await expect(replacing)
          .to.emit(consortium, "RoleRevoked")
          .withArgs(org, alice.address, role, registrar.address);
        await expect(replacing)
          .to.emit(consortium, "RoleGranted")
          .withArgs(org, bob.address, role, until, limit);
        expect(await consortium.termOf(bob.address, role)).to.deep.equal([until, limit]);
        expect(await consortium.requireRole(bob.address, role)).to.equal(org);
        expect(await consortium.hasRole(alice.address, role)).to.equal(false);
      }
      expect(await registry.manufacturerOf(bob.address)).to.deep.equal([org, made.until, 500n, 0n]);
      expect(await registry.manufacturerOf(alice.address)).to.deep.equal([org, 0n, 0n, 0n]);
      expect(await consortium.signatoriesOf(org)).to.deep.equal([bob.address]);
      expect(await consortium.grantsOf(alice.address)).to.deep.equal([]);
    });

    it("is replaced also among sixteen, and while its organisation is suspended", async () => {
      const { consortium, register, guard, other, bob } = world;
      const accounts = Array.from({ length: 16 }, (_, i) => dataSlice(id(`signatory ${i}`), 12));
      for (const account of accounts) await register.addSignatory(other, account);
      await guard.suspend(other);
      await register.replaceSignatory(accounts[7]!, bob.address);
      expect(await consortium.signatoriesOf(other)).to.have.length(16);
      expect(await consortium.orgOf(bob.address)).to.equal(other);
    });

    it("is not replaced by an account in use, by nobody, or after its organisation left", async () => {
      const { register, guard, org, other, alice, bob } = world;
      await register.addSignatory(other, bob.address);
      const expectNo = (lost: string, by: string, error: string, args: unknown[]) =>
        expectRefused(
          (sent) => register.replaceSignatory(lost, by, sent),
          register,
          error,
          args,
          stateOf(by),
        );
      const fresh = world.others[2]!.address;
      await expectNo(alice.address, bob.address, "SignatoryTaken", [bob.address, other]);
      await expectNo(alice.address, alice.address, "SignatoryTaken", [alice.address, org]);
      await expectNo(alice.address, ZeroAddress, "SignatoryUnknown", [ZeroAddress]);
      await expectNo(fresh, bob.address, "SignatoryUnknown", [fresh]);
      await guard.removeSignatory(bob.address);
      await expectNo(bob.address, fresh, "SignatoryUnknown", [bob.address]);
      await register.exit(org);
      await expectNo(alice.address, fresh, "OrganisationNotActive", [org, OrgStatus.Exited]);
    });
  });

  it("keeps the others when one is removed from the front, the middle or the end", async () => {
    const { consortium, register, guard, other, others } = world;
    const accounts = others.slice(2, 7).map(({ address }) => address);
    for (const account of accounts) await register.addSignatory(other, account);
    for (const account of [accounts[0]!, accounts[2]!, accounts[4]!]) {
      await guard.removeSignatory(account);
    }
    expect([...(await consortium.signatoriesOf(other))].sort()).to.deep.equal(
      [accounts[1]!, accounts[3]!].sort(),
    );
  });

  it("takes sixteen and refuses the seventeenth, until one leaves", async () => {
    const { consortium, register, guard, other } = world;
    const accounts = Array.from({ length: 17 }, (_, i) => dataSlice(id(`signatory ${i}`), 12));
    const last = accounts.pop()!;
    for (const account of accounts) await register.addSignatory(other, account);
    const add = (sent: object) => register.addSignatory(other, last, sent);
    await expectRefused(add, register, "SignatoriesFull", [other, 16n], stateOf(last));
    await guard.removeSignatory(accounts[5]!);
    await register.addSignatory(other, last);
    expect(await consortium.signatoriesOf(other)).to.have.length(16);
  });

  it("lets a suspended organisation's signatories be replaced, and an exited one's only be removed", async () => {
    const { consortium, register, guard, org, alice, bob } = world;
    await guard.suspend(org);
    await register.addSignatory(org, bob.address);
    await guard.removeSignatory(alice.address);
    await register.exit(org);
    const newcomer = world.others[2]!.address;
    const add = (sent: object) => register.addSignatory(org, newcomer, sent);
    await expectRefused(add, register, "OrganisationNotActive", [org, OrgStatus.Exited], stateOf(newcomer));
    await guard.removeSignatory(bob.address);
    expect(await consortium.signatoriesOf(org)).to.deep.equal([]);
  });
});

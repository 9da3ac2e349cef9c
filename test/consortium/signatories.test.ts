import { expect } from "chai";
import { dataSlice, id, ZeroAddress } from "ethers";
import { network } from "hardhat";
import { admit, deployConsortium, grant, OrgStatus, Role } from "../support/consortium.js";
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
    const { consortium, register, org, other, alice } = world;
    await expect(register.removeSignatory(alice.address))
      .to.emit(consortium, "SignatoryRemoved")
      .withArgs(org, alice.address);
    expect(await consortium.orgOf(alice.address)).to.equal(0n);
    expect(await consortium.signatoriesOf(org)).to.deep.equal([]);
    for (const target of [org, other]) {
      const add = (sent: object) => register.addSignatory(target, alice.address, sent);
      await expectRefused(add, register, "SignatoryTaken", [alice.address, org], stateOf(alice.address));
    }
    const remove = (sent: object) => register.removeSignatory(alice.address, sent);
    await expectRefused(remove, register, "SignatoryUnknown", [alice.address], stateOf(alice.address));
  });

  it("ends every role of a removed account and names each", async () => {
    const { consortium, register, org, alice, registrar } = world;
    const roles = [Role.Manufacturer, Role.Treasurer];
    for (const role of roles) await grant(world, alice, role);
    const removal = register.removeSignatory(alice.address);
    for (const role of roles) {
      await expect(removal)
        .to.emit(consortium, "RoleRevoked")
        .withArgs(org, alice.address, role, registrar.address);
      expect(await consortium.hasRole(alice.address, role)).to.equal(false);
      expect(await consortium.termOf(alice.address, role)).to.deep.equal([0n, 0n]);
    }
    const events = await consortium.queryFilter(consortium.filters.RoleRevoked(), -1);
    expect(events).to.have.length(2);
  });

  it("keeps the others when one is removed from the front, the middle or the end", async () => {
    const { consortium, register, other, others } = world;
    const accounts = others.slice(2, 7).map(({ address }) => address);
    for (const account of accounts) await register.addSignatory(other, account);
    for (const account of [accounts[0]!, accounts[2]!, accounts[4]!]) {
      await register.removeSignatory(account);
    }
    expect([...(await consortium.signatoriesOf(other))].sort()).to.deep.equal(
      [accounts[1]!, accounts[3]!].sort(),
    );
  });

  it("takes sixteen and refuses the seventeenth, until one leaves", async () => {
    const { consortium, register, other } = world;
    const accounts = Array.from({ length: 17 }, (_, i) => dataSlice(id(`signatory ${i}`), 12));
    const last = accounts.pop()!;
    for (const account of accounts) await register.addSignatory(other, account);
    const add = (sent: object) => register.addSignatory(other, last, sent);
    await expectRefused(add, register, "SignatoriesFull", [other, 16n], stateOf(last));
    await register.removeSignatory(accounts[5]!);
    await register.addSignatory(other, last);
    expect(await consortium.signatoriesOf(other)).to.have.length(16);
  });

  it("lets a suspended organisation's signatories be replaced, and an exited one's only be removed", async () => {
    const { consortium, register, guardian, org, alice, bob } = world;
    await consortium.connect(guardian).suspend(org);
    await register.addSignatory(org, bob.address);
    await register.removeSignatory(alice.address);
    await register.exit(org);
    const newcomer = world.others[2]!.address;
    const add = (sent: object) => register.addSignatory(org, newcomer, sent);
    await expectRefused(add, register, "OrganisationNotActive", [org, OrgStatus.Exited], stateOf(newcomer));
    await register.removeSignatory(bob.address);
    expect(await consortium.signatoriesOf(org)).to.deep.equal([]);
  });
});

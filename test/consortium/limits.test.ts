import { expect } from "chai";
import { id, ZeroHash } from "ethers";
import { network } from "hardhat";
import { admit, DAY, deployConsortium, grant, NO_LIMIT, OrgStatus, Role } from "../support/consortium.js";
import { expectGas, gasOfView } from "../support/gas.js";
import { expectRefused } from "../support/refused.js";

const { ethers, networkHelpers } = await network.create();
const { time } = networkHelpers;

describe("Consortium: limits and the second person", () => {
  const act = id("pay invoice 7 of this ledger");
  const fixture = async () => {
    const base = await deployConsortium(ethers);
    const [clerk, boss, outsider] = base.others;
    const org = await admit(base, "one", clerk!, boss!);
    await admit(base, "two", outsider!);
    for (const account of [clerk!, boss!, outsider!]) await grant(base, account, Role.Treasurer, 30n, 1_000n);
    return { ...base, org, clerk: clerk!, boss: boss!, outsider: outsider! };
  };
  let world: Awaited<ReturnType<typeof fixture>>;
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(fixture);
  });

  const ask = (amount: bigint, actHash = act) =>
    world.consortium.requireRoleFor(world.clerk.address, Role.Treasurer, amount, actHash);
  const expectExceeded = (amount = 1_001n, actHash = act, limit = 1_000n) =>
    expect(ask(amount, actHash))
      .to.be.revertedWithCustomError(world.consortium, "RoleLimitExceeded")
      .withArgs(world.clerk.address, Role.Treasurer, limit, amount, actHash);
  const soon = async () => BigInt(await time.latest()) + DAY;
  const consent = async (by = world.boss, role: bigint = Role.Treasurer, actHash = act) =>
    world.consortium.connect(by).countersign(actHash, role, await soon());

  it("lets an act up to the limit through alone, and one fen more only with a colleague's consent", async () => {
    const { consortium, org, boss } = world;
    expect(await ask(1_000n)).to.equal(org);
    await expectExceeded();
    const until = await soon();
    await expect(consortium.connect(boss).countersign(act, Role.Treasurer, until))
      .to.emit(consortium, "ActCountersigned")
      .withArgs(org, act, Role.Treasurer, boss.address, until);
    expect(await ask(1_001n)).to.equal(org);
    expect(await ask(2n ** 200n)).to.equal(org);
    await expectExceeded(1_001n, id("another act"));
    expect(await consortium.countersignatureOf(org, act)).to.deep.equal([
      boss.address,
      Role.Treasurer,
      until,
    ]);
  });

  it("takes no consent of the actor, of another organisation, or in another role", async () => {
    const { clerk, outsider, boss } = world;
    await consent(clerk);
    await expectExceeded();
    await consent(outsider);
    await expectExceeded();
    await grant(world, boss, Role.DeviceManager);
    await consent(boss, Role.DeviceManager);
    await expectExceeded();
  });

  it("counts a consent while it runs and its giver holds the role", async () => {
    const { consortium, guardian, registrar, boss, org } = world;
    const guard = consortium.connect(guardian);
    const ends: (() => Promise<unknown>)[] = [
      () => consortium.connect(boss).forfeit(Role.Treasurer),
      () => consortium.connect(boss).resign(),
      () => guard.removeSignatory(boss.address),
      () => guard.revokeRole(boss.address, Role.Treasurer),
      () => consortium.connect(registrar).replaceSignatory(boss.address, world.others[7]!.address),
      () => consortium.connect(boss).countersign(act, Role.Treasurer, 0n),
      () => time.increase(DAY),
    ];
    for (const end of ends) {
      const snapshot = await networkHelpers.takeSnapshot();
      await consent();
      expect(await ask(1_001n)).to.equal(org);
      await end();
      await expectExceeded();
      await snapshot.restore();
    }
    await consent();
    await guard.suspend(org);
    await expect(ask(1n))
      .to.be.revertedWithCustomError(consortium, "OrganisationNotActive")
      .withArgs(org, OrgStatus.Suspended);
  });

  it("asks nobody when there is no limit, and always when it is zero", async () => {
    const { clerk } = world;
    await grant(world, clerk, Role.Treasurer, 30n, NO_LIMIT);
    expect(await ask(2n ** 256n - 1n, ZeroHash)).to.equal(world.org);
    await grant(world, clerk, Role.Treasurer, 30n, 0n);
    expect(await ask(0n)).to.equal(world.org);
    await expectExceeded(1n, act, 0n);
  });

  it("refuses a consent to nothing, without the role, or for too long", async () => {
    const { consortium, registrar, boss, org } = world;
    const state = () => consortium.countersignatureOf(org, act);
    const expectNo = (by: typeof boss, args: [string, bigint, bigint], error: string, values: unknown[]) =>
      expectRefused(
        (sent) => consortium.connect(by).countersign(...args, sent),
        consortium,
        error,
        values,
        state,
      );
    const until = await soon();
    await expectNo(boss, [ZeroHash, Role.Treasurer, until], "CountersignatureEmpty", []);
    await expectNo(boss, [act, Role.Anchor, until], "RoleMissing", [boss.address, Role.Anchor]);
    await expectNo(registrar, [act, Role.Treasurer, until], "SignatoryUnknown", [registrar.address]);
    const longest = await consortium.MAX_COUNTERSIGNATURE();
    expect(longest).to.equal(30n * DAY);
    for (const offset of [-1n, 0n, longest + 1n]) {
      const now = BigInt(await time.latest()) + 100n;
      await time.setNextBlockTimestamp(now);
      const args: [string, bigint, bigint] = [act, Role.Treasurer, now + offset];
      await expectNo(boss, args, "CountersignatureTermInvalid", [now + offset, now + longest]);
    }
  });

  it("costs one storage read for a role, one more for an amount, and the consent only above the limit", async () => {
    const { consortium, clerk } = world;
    const gas = (name: string, args: unknown[]) => gasOfView(clerk, consortium, name, args);
    const role = [clerk.address, Role.Treasurer];
    expectGas("Ask the consortium for a role", await gas("requireRole", role));
    expectGas("Ask the consortium for an amount", await gas("requireRoleFor", [...role, 1_000n, act]));
    await consent();
    expectGas(
      "Ask the consortium for an amount that two people must agree to",
      await gas("requireRoleFor", [...role, 1_001n, act]),
    );
  });
});

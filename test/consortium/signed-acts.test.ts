import { expect } from "chai";
import { id, ZeroHash } from "ethers";
import { network } from "hardhat";
import { admit, DAY, deployConsortium, grant, Role } from "../support/consortium.js";
import { expectGas } from "../support/gas.js";
import { expectRefused } from "../support/refused.js";
import { domainOf, signAct, type TestAct } from "../support/signed-acts.js";

const { ethers, networkHelpers } = await network.create();
const { time } = networkHelpers;

describe("SignedActs, on the consortium", () => {
  const fixture = async () => {
    const base = await deployConsortium(ethers);
    const [alice, bob, relayer] = base.others;
    const org = await admit(base, "one", alice!, bob!);
    for (const role of [Role.Treasurer, Role.Anchor]) await grant(base, alice!, role);
    return { ...base, org, alice: alice!, bob: bob!, relayer: relayer! };
  };
  let world: Awaited<ReturnType<typeof fixture>>;
  let forfeit: string;
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(fixture);
    forfeit = world.consortium.interface.encodeFunctionData("forfeit", [Role.Treasurer]);
  });

  const later = async () => BigInt(await time.latest()) + DAY;
  const actOf = async (signer: { address: string }, call = forfeit, nonce = 0n): Promise<TestAct> => ({
    signer: signer.address,
    call,
    nonce,
    deadline: await later(),
  });
  const relay = (act: TestAct, signature: string, sent: object = {}) =>
    world.consortium
      .connect(world.relayer)
      .act(act.signer, act.call, act.nonce, act.deadline, signature, sent);
  const state = async () => {
    const { consortium, alice } = world;
    return [
      await consortium.grantsOf(alice.address),
      await consortium["nonces(address,uint192)"](alice.address, 0),
    ];
  };
  const expectNo = (act: TestAct, signature: string, error: string, args: unknown[]) =>
    expectRefused((sent) => relay(act, signature, sent), world.consortium, error, args, state);
  const digestOf = ({ signer, call, nonce, deadline }: TestAct) =>
    world.consortium.actDigest(signer, call, nonce, deadline);

  it("does the signer's act, whoever brings it, and says who did both", async () => {
    const { consortium, org, alice, relayer } = world;
    const act = await actOf(alice);
    const relayed = relay(act, await signAct(consortium, alice, act));
    await expect(relayed)
      .to.emit(consortium, "ActRelayed")
      .withArgs(alice.address, relayer.address, consortium.interface.getFunction("forfeit").selector, 0n);
    await expect(relayed).to.emit(consortium, "RoleForfeited").withArgs(org, alice.address, Role.Treasurer);
    expect(await consortium.hasRole(alice.address, Role.Treasurer)).to.equal(false);
    expect(await consortium["nonces(address,uint192)"](alice.address, 0)).to.equal(1n);
  });

  it("refuses the same act again, and one out of turn", async () => {
    const { consortium, alice } = world;
    const act = await actOf(alice);
    const signature = await signAct(consortium, alice, act);
    await relay(act, signature);
    await expectNo(act, signature, "InvalidAccountNonce", [alice.address, 1n]);
    const early = { ...act, nonce: 2n };
    await expectNo(early, await signAct(consortium, alice, early), "InvalidAccountNonce", [
      alice.address,
      1n,
    ]);
  });

  it("keeps acts under different keys from waiting for each other", async () => {
    const { consortium, alice } = world;
    const anchor = consortium.interface.encodeFunctionData("forfeit", [Role.Anchor]);
    const second = await actOf(alice, anchor, 5n << 64n);
    await relay(second, await signAct(consortium, alice, second));
    const first = await actOf(alice);
    await relay(first, await signAct(consortium, alice, first));
    expect(await consortium["nonces(address,uint192)"](alice.address, 5)).to.equal((5n << 64n) | 1n);
    expect(await consortium.grantsOf(alice.address)).to.deep.equal([]);
  });

  it("counts to the deadline and no second longer", async () => {
    const { consortium, alice } = world;
    const act = await actOf(alice);
    const signature = await signAct(consortium, alice, act);
    const snapshot = await networkHelpers.takeSnapshot();
    await time.setNextBlockTimestamp(act.deadline);
    await relay(act, signature);
    await snapshot.restore();
    await time.setNextBlockTimestamp(act.deadline + 1n);
    await expectNo(act, signature, "ActExpired", [act.deadline, act.deadline + 1n]);
  });

  it("refuses whatever differs from what was signed", async () => {
    const { consortium, alice, bob } = world;
    const act = await actOf(alice);
    const signature = await signAct(consortium, alice, act);
    const others: TestAct[] = [
      { ...act, signer: bob.address },
      { ...act, call: consortium.interface.encodeFunctionData("forfeit", [Role.Anchor]) },
      { ...act, call: `${act.call}00` },
      { ...act, nonce: 1n },
      { ...act, deadline: act.deadline + 1n },
    ];
    for (const other of others) {
      await expectNo(other, signature, "ActSignatureInvalid", [other.signer, await digestOf(other)]);
    }
    const broken = [`${signature.slice(0, -2)}00`, signature.slice(0, -2), "0x"];
    for (const bad of broken)
      await expectNo(act, bad, "ActSignatureInvalid", [act.signer, await digestOf(act)]);
  });

  it("refuses the signature of another chain or contract, of another type, and of nobody", async () => {
    const { consortium, alice } = world;
    const act = await actOf(alice);
    const domain = await domainOf(consortium);
    const elsewhere = [
      { ...domain, chainId: 1n },
      { ...domain, verifyingContract: alice.address },
      { ...domain, name: "Tenon DeviceRegistry" },
      { ...domain, version: "2" },
    ];
    const refusal = [alice.address, await digestOf(act)];
    for (const other of elsewhere) {
      await expectNo(act, await signAct(consortium, alice, act, other), "ActSignatureInvalid", refusal);
    }
    const plain = await alice.signMessage(ethers.getBytes(await digestOf(act)));
    await expectNo(act, plain, "ActSignatureInvalid", refusal);
    const nobody = { ...act, signer: ethers.ZeroAddress };
    const digest = await digestOf(nobody);
    await expectNo(nobody, "0x", "ActSignatureInvalid", [nobody.signer, digest]);
    await expectNo(nobody, `0x${"00".repeat(65)}`, "ActSignatureInvalid", [nobody.signer, digest]);
  });

  it("refuses the act for its own reason, bubbled up, and the nonce stays", async () => {
    const { consortium, alice, bob, relayer } = world;
    const act = await actOf(bob);
    const refused = [bob.address, Role.Treasurer];
    await expectNo(act, await signAct(consortium, bob, act), "RoleMissing", refused);
    expect(await consortium["nonces(address,uint192)"](bob.address, 0)).to.equal(0n);
    const suspend = consortium.interface.encodeFunctionData("suspend", [world.org]);
    const office = await actOf(alice, suspend);
    const unauthorized = [alice.address];
    await expectNo(
      office,
      await signAct(consortium, alice, office),
      "AccessManagedUnauthorized",
      unauthorized,
    );
    await expectNo({ ...act, call: "0x" }, "0x", "ActEmpty", [0n]);
    await expectNo({ ...act, call: "0x123456" }, "0x", "ActEmpty", [3n]);
    const unknown = { ...act, call: id("no such function") };
    await expectNo(unknown, await signAct(consortium, bob, unknown), "FailedCall", []);
    expect(relayer.address).to.not.equal(alice.address);
  });

  it("refuses an act inside an act", async () => {
    const { consortium, alice } = world;
    const inner = await actOf(alice);
    const signature = await signAct(consortium, alice, inner);
    const call = consortium.interface.encodeFunctionData("act", [
      inner.signer,
      inner.call,
      inner.nonce,
      inner.deadline,
      signature,
    ]);
    const outer = await actOf(alice, call);
    await expectNo(outer, await signAct(consortium, alice, outer), "ActNested", []);
  });

  it("believes no caller that appends somebody's address to its call", async () => {
    const { consortium, alice, relayer } = world;
    const data = ethers.concat([forfeit, alice.address]);
    await expectRefused(
      async (sent) => relayer.sendTransaction({ to: await consortium.getAddress(), data, ...sent }) as never,
      consortium,
      "SignatoryUnknown",
      [relayer.address],
      state,
    );
  });

  it("takes the registrar's acts, with the delay of its office", async () => {
    const { consortium, manager, admin, registrar } = world;
    await manager.connect(admin).grantRole(1n, registrar.address, 3600n);
    const call = consortium.interface.encodeFunctionData("admit", [id("late"), ZeroHash]);
    const act = await actOf(registrar, call);
    const signature = await signAct(consortium, registrar, act);
    const waiting = () =>
      expect(relay(act, signature)).to.be.revertedWithCustomError(manager, "AccessManagerNotScheduled");
    await waiting();
    await manager.connect(registrar).schedule(await consortium.getAddress(), call, 0);
    await time.increase(3600);
    await relay(act, signature);
    expect(await consortium.orgOfCode(id("late"))).to.equal(2n);
  });

  it("costs a relayed act some gas over a direct one", async () => {
    const { consortium, alice } = world;
    // One deadline for all runs: other bytes of a signature cost other gas.
    const deadline = 2n ** 40n;
    const act = { ...(await actOf(alice)), deadline };
    const relayed = await (await relay(act, await signAct(consortium, alice, act))).wait();
    await grant(world, alice, Role.DeviceManager);
    const direct = await (await consortium.connect(alice).forfeit(Role.DeviceManager)).wait();
    const call = consortium.interface.encodeFunctionData("forfeit", [Role.Anchor]);
    const again = { ...act, call, nonce: 1n };
    const steady = await (await relay(again, await signAct(consortium, alice, again))).wait();
    expectGas("Forfeit a role", direct!.gasUsed);
    expectGas("Forfeit a role by a relayed act, the signer's first", relayed!.gasUsed);
    expectGas("Forfeit a role by a relayed act, a later one", steady!.gasUsed);
  });
});

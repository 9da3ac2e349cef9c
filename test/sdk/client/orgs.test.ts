import { expect } from "chai";
import { id, Wallet } from "ethers";
import {
  checkDeployment,
  createTenon,
  type Deployment,
  type Hex,
  type Tenon,
} from "../../../sdk/src/index.js";
import { newTenon, orgs, SEAL_DELAY } from "../../support/fixture.js";
import { refusal } from "../../support/refusal.js";

const DAY = 86_400;
type World = Awaited<ReturnType<typeof newTenon>>;
type Person = keyof World["signers"];

describe("tenon.orgs", () => {
  let world: World;
  let deployment: Deployment;
  let reader: Tenon;
  const as = (person: Person) => createTenon({ signer: world.signers[person], deployment });
  const now = async () => world.networkHelpers.time.latest();
  const later = async (days: number) => (await now()) + days * DAY;
  beforeEach(async () => {
    world = await newTenon();
    deployment = checkDeployment(world.record);
    reader = await createTenon({ provider: world.ethers.provider, deployment });
  });

  it("shows organisations with who acts for them, until when and up to what", async () => {
    const all = await reader.orgs.list();
    expect(all.map((org) => [org.id, org.status, org.codeHash, org.controlGroup])).to.deep.equal([
      [1, "Active", id("91310000MA1K35T21X"), undefined],
      [2, "Active", id("91440300MA5G0Q8P7B"), undefined],
      [3, "Active", id("5493001KJTIIGC8Y1R12"), undefined],
    ]);
    const [maker] = all[0]!.signatories;
    expect(maker!.account).to.equal(world.signers.manufacturer.address);
    const recorded = world.record.organisations[0]!.signatories[0]!.roles[0]!;
    expect(maker!.roles).to.deep.equal([
      { role: "Manufacturer", until: recorded.until, limit: undefined, counts: true },
    ]);
    expect(await reader.orgs.find("91440300MA5G0Q8P7B")).to.deep.equal(all[1]);
    expect(await reader.orgs.find("91440300MA5G0Q8P7C")).to.equal(undefined);
    expect(await reader.orgs.get(9)).to.equal(undefined);
    expect(await reader.orgs.signatory(world.signers.manufacturer.address)).to.deep.equal(maker);
    expect(await reader.orgs.signatory(world.signers.stranger.address)).to.equal(undefined);
  });

  it("says in a suspended organisation that its roles do not count, and why", async () => {
    await (await as("guardian")).orgs.suspend(1).wait();
    const { status, signatories } = (await reader.orgs.get(1))!;
    expect(status).to.equal("Suspended");
    expect(signatories[0]!.roles[0]!.counts).to.equal(false);
    const account = world.signers.manufacturer.address;
    const why = await reader.orgs.explain(account, "Manufacturer");
    if (why.may) expect.fail("may");
    expect([why.refusal.code, why.refusal.args]).to.deep.equal([
      "OrganisationNotActive",
      { org: 1n, status: "Suspended" },
    ]);
    expect(why.refusal.remedy).to.be.a("string");
  });

  it("explains who may do what, alone or with a second person", async () => {
    world = await newTenon({ sealed: false });
    deployment = checkDeployment(world.record);
    const office = await as("deployer");
    const { owner, stranger } = world.signers;
    await office.orgs.addSignatory(2, stranger.address).wait();
    const until = await later(30);
    for (const account of [owner.address, stranger.address]) {
      await office.orgs.grantRole({ account, role: "Treasurer", until, limit: 500n }).wait();
    }
    const actHash = id("one payment") as Hex;
    const ask = (amount: bigint) => office.orgs.explain(owner.address, "Treasurer", { amount, actHash });
    expect(await ask(500n)).to.deep.equal({ may: true, organisation: 2 });
    const over = await ask(501n);
    if (over.may) expect.fail("may");
    expect(over.refusal.args).to.deep.equal({
      account: owner.address,
      role: "Treasurer",
      limit: 500n,
      amount: 501n,
      actHash,
    });
    await (await as("stranger")).orgs
      .countersign({ actHash, role: "Treasurer", until: await later(1) })
      .wait();
    expect(await ask(501n)).to.deep.equal({ may: true, organisation: 2 });
    const none = await office.orgs.explain(owner.address, "Regulator");
    expect(none.may).to.equal(false);
  });

  it("lists what ends within two weeks, and what has ended", async () => {
    expect(await reader.orgs.ending()).to.deep.equal([]);
    await world.networkHelpers.time.increase(352 * DAY);
    const ending = await reader.orgs.ending();
    expect(ending.map(({ organisation, role, counts }) => [organisation, role, counts])).to.have.deep.members(
      [
        [1, "Manufacturer", true],
        [2, "Treasurer", true],
        [2, "DeviceManager", true],
        [3, "Anchor", true],
        [3, "DeviceAuthority", true],
      ],
    );
    await world.networkHelpers.time.increase(15 * DAY);
    expect((await reader.orgs.ending(0)).every(({ counts }) => !counts)).to.equal(true);
  });

  it("lets the guardian act at once, and a signatory take from itself", async () => {
    const guardian = await as("guardian");
    expect(await guardian.orgs.suspend(2).standing()).to.deep.equal({ state: "at once" });
    const removal = await guardian.orgs.removeSignatory(world.signers.manufacturer.address).wait();
    expect(removal.organisation).to.equal(1);
    await guardian.orgs.revokeRole(world.signers.authority.address, "DeviceAuthority").wait();
    await (await as("oracle")).orgs.forfeit("Anchor").wait();
    await (await as("owner")).orgs.resign().wait();
    expect(
      (await reader.orgs.list()).flatMap(({ signatories }) => signatories.flatMap((one) => one.roles)),
    ).to.deep.equal([]);
  });

  it("announces the registrar's act, waits, and does it, each by the same call", async () => {
    const { orgs: office } = await as("registrar");
    const admission = { code: "91310000MA1FL0AA1X", controlGroup: "Lee" };
    expect(await office.admit(admission).standing()).to.deep.equal({
      state: "unannounced",
      delay: SEAL_DELAY,
    });
    expect((await refusal(office.admit(admission).wait())).code).to.equal("AccessManagerNotScheduled");

    const first = await office.admit(admission).proceed();
    expect(first).to.deep.equal({ done: false, readyAt: (await now()) + SEAL_DELAY });
    expect(await office.admit(admission).proceed(), "not announced twice").to.deep.equal(first);
    expect((await office.admit(admission).standing()).state).to.equal("waiting");
    await world.networkHelpers.time.increase(SEAL_DELAY);
    expect((await office.admit(admission).standing()).state).to.equal("ready");
    expect(await office.admit(admission).proceed()).to.deep.equal({ done: true, result: 4 });
    expect((await reader.orgs.get(4))?.controlGroup).to.equal(id("Lee"));
  });

  it("lets the guardian take the registrar's announcement back", async () => {
    const registrar = await as("registrar");
    const act = (tenon: Tenon) => tenon.orgs.addSignatory(1, world.signers.stranger.address);
    await act(registrar).proceed();
    expect(await reader.admin.announced()).to.have.length(1);
    const { address } = world.signers.registrar;
    await act(await as("guardian"))
      .withdraw(address)
      .wait();
    expect(await reader.admin.announced()).to.deep.equal([]);
    expect((await act(registrar).standing()).state).to.equal("unannounced");
  });

  it("refuses what is no organisation, code, account, or role before anything is sent", async () => {
    const codeOf = async (make: () => unknown) => (await refusal(Promise.resolve().then(make))).code;
    expect(await codeOf(() => reader.orgs.suspend(0))).to.equal("OrganisationInvalid");
    expect(await codeOf(() => reader.orgs.admit({ code: "x" }))).to.equal("CodeInvalid");
    expect(await codeOf(() => reader.orgs.addSignatory(1, "0x12"))).to.equal("AccountInvalid");
    expect(await codeOf(() => reader.orgs.forfeit("Boss" as never))).to.equal("RoleUnknown");
    const stranger = await as("stranger");
    expect(await stranger.orgs.suspend(1).standing()).to.deep.equal({ state: "refused" });
    expect((await refusal(stranger.orgs.suspend(1).proceed())).code).to.equal("AccessManagedUnauthorized");
  });

  describe("signed acts", () => {
    const words: string[] = [];
    const quiet = { show: (text: string) => void words.push(text) };
    beforeEach(() => words.splice(0));

    it("are shown in words, signed without a node of one's own, and brought by anybody", async () => {
      const oracle = await as("oracle");
      const deadline = await later(1);
      const act = await oracle.orgs.forfeit("Anchor").sign({ deadline, ...quiet });
      expect(words[0]).to.include("Tenon Consortium").and.include("forfeit").and.include("Anchor");
      const carried = JSON.parse(JSON.stringify(act));
      const relayed = await (await as("stranger")).relay(carried).wait();
      expect(relayed).to.deep.include({
        signer: world.signers.oracle.address,
        relayer: world.signers.stranger.address,
        method: "forfeit",
        nonce: 0n,
      });
      expect(relayed.events.map(({ name }) => name)).to.deep.equal(["RoleForfeited"]);
      const may = await reader.orgs.explain(world.signers.oracle.address, "Anchor");
      expect(may.may).to.equal(false);
      const again = await refusal((await as("stranger")).relay(carried).wait());
      expect([again.code, again.args.currentNonce]).to.deep.equal(["InvalidAccountNonce", 1n]);
    });

    it("are refused when they are changed, late, for another chain, or no acts", async () => {
      const oracle = await as("oracle");
      const stranger = await as("stranger");
      const act = await oracle.orgs.resign().sign({ deadline: await later(1), ...quiet });
      const codeOf = async (change: object) =>
        (await refusal(Promise.resolve().then(() => stranger.relay({ ...act, ...change }).wait()))).code;
      expect(await codeOf({ deadline: String(await later(2)) })).to.equal("ActSignatureInvalid");
      expect(await codeOf({ chainId: "1" })).to.equal("SignedActForeign");
      expect(await codeOf({ contract: world.signers.owner.address })).to.equal("SignedActForeign");
      expect(await codeOf({ call: "0x12" })).to.equal("SignedActInvalid");
      await world.networkHelpers.time.increase(2 * DAY);
      expect(await codeOf({})).to.equal("ActExpired");
    });

    it("are not signed for a contract that takes none, and not when the reader says no", async () => {
      const registrar = await as("registrar");
      const act = { to: deployment.contracts.AccessManager.address, by: registrar };
      const none = await refusal(registrar.orgs.admit({ code: "91310000MA1FL0AA1X" }).announce().sign(quiet));
      expect([none.code, none.args.contract]).to.deep.equal(["ActsNotTaken", act.to]);
      const no = (await as("oracle")).orgs.resign().sign({
        show: () => {
          throw new Error("not this");
        },
      });
      expect((await no.catch((error: Error) => error.message)) as string).to.equal("not this");
    });

    it("may be signed by a key that is no signer of the client, and under keys that do not wait", async () => {
      const key = Wallet.createRandom();
      world = await newTenon({ sealed: false });
      deployment = checkDeployment(world.record);
      const office = await as("deployer");
      await office.orgs.addSignatory(Number(orgs.owner), key.address).wait();
      for (const role of ["Treasurer", "DeviceManager"] as const) {
        await office.orgs.grantRole({ account: key.address, role, until: await later(9) }).wait();
      }
      const deadline = await later(1);
      const acts = await Promise.all(
        (["Treasurer", "DeviceManager"] as const).map((role, lane) =>
          office.orgs.forfeit(role).sign({ signer: key, key: lane, deadline, ...quiet }),
        ),
      );
      for (const act of acts.reverse()) await office.relay(act).wait();
      expect((await office.orgs.signatory(key.address))?.roles).to.deep.equal([]);
    });
  });

  describe("tenon.admin", () => {
    it("tells offices, delays, functions and announcements from the chain", async () => {
      const { admin, registrar, guardian, stranger } = world.signers;
      await (await as("registrar")).orgs.addSignatory(1, stranger.address).proceed();
      const powers = await reader.admin.powers();
      const holders = powers.offices.map(({ name, holders: all }) => [
        name,
        all.map(({ account, delay }) => [account, delay]),
      ]);
      expect(holders).to.deep.equal([
        ["ADMIN", [[admin.address, SEAL_DELAY]]],
        ["REGISTRAR", [[registrar.address, SEAL_DELAY]]],
        ["GUARDIAN", [[guardian.address, 0]]],
      ]);
      const office = (method: string) =>
        powers.functions.find((one) => one.contract === "Consortium" && one.method === method)?.office;
      expect([office("admit"), office("suspend"), office("setRoleListener"), office("resign")]).to.deep.equal(
        ["REGISTRAR", "GUARDIAN", undefined, undefined],
      );
      expect(powers.contracts.map(({ contract, closed }) => [contract, closed])).to.deep.include([
        "Consortium",
        false,
      ]);
      expect(powers.announced).to.have.length(1);
      expect(powers.announced[0]).to.deep.include({
        by: registrar.address,
        contract: "Consortium",
        ready: false,
      });
      expect(powers.announced[0]!.words).to.include("addSignatory").and.include(stranger.address);
    });

    it("carries out what was announced, when it is due", async () => {
      const registrar = await as("registrar");
      await registrar.orgs.exit(2).proceed();
      await world.networkHelpers.time.increase(SEAL_DELAY);
      const [act] = await registrar.admin.announced(world.signers.registrar.address);
      expect(act!.ready).to.equal(true);
      const { done } = await registrar.admin.carryOut(act!).proceed();
      expect(done).to.equal(true);
      expect((await reader.orgs.get(2))?.status).to.equal("Exited");
      expect(await registrar.admin.announced()).to.deep.equal([]);
    });
  });
});

import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { expect } from "chai";
import { encodeBytes32String, id } from "ethers";
import {
  checkDeployment,
  createTenon,
  type Deployment,
  type Hex,
  holderOf,
  type Role,
  rawPoint,
  strikeSubject,
  type Tenon,
  transferSubject,
} from "../../../sdk/src/index.js";
import { newTenon, SEAL_DELAY } from "../../support/fixture.js";
import { makeKey } from "../../support/keys.js";
import { refusal } from "../../support/refusal.js";

const DAY = 86_400;
const COURT = 3;
const HOLDER = 2;
const BANK = 1;
const paper = id("order 2026-17") as Hex;
const crane = encodeBytes32String("crane") as Hex;

/** Who acts in these tests: place among the signers, organisation, role. */
const cast = {
  judge: [9, COURT, "Regulator"],
  bailiff: [10, COURT, "Enforcer"],
  keeper: [11, HOLDER, "DeviceManager"],
  till: [12, BANK, "Treasurer"],
} as const satisfies Record<string, readonly [number, number, Role]>;
type Person = keyof typeof cast;

describe("tenon.orders, tenon.encumbrances, tenon.eligibility, tenon.keys", () => {
  let world: Awaited<ReturnType<typeof newTenon>>;
  let deployment: Deployment;
  let office: Tenon;
  let reader: Tenon;
  let people: Record<Person, Tenon>;
  let goods: string;
  const later = async (days: number) => (await world.networkHelpers.time.latest()) + days * DAY;
  const accountOf = async (person: Person) => (await world.ethers.getSigners())[cast[person][0]]!;

  before(async () => {
    world = await newTenon({ sealed: false });
    deployment = checkDeployment(world.record);
    office = await createTenon({ signer: world.signers.deployer, deployment });
    reader = await createTenon({ provider: world.ethers.provider, deployment });
    const entries = Object.entries(cast).map(async ([person, [, organisation, role]]) => {
      const signer = await accountOf(person as Person);
      await office.orgs.addSignatory(organisation, signer.address).wait();
      await office.orgs.grantRole({ account: signer.address, role, until: await later(390) }).wait();
      return [person, await createTenon({ signer, deployment })] as const;
    });
    people = Object.fromEntries(await Promise.all(entries)) as typeof people;
    const contracts = [world.eligibility, world.encumbrances] as const;
    const addresses = await Promise.all(contracts.map((one) => one.getAddress()));
    const deployed = await world.ethers.deployContract("ExampleGoods", addresses as [string, string]);
    goods = await deployed.getAddress();
    await deployed.connect(await accountOf("keeper")).store(crane);
    expect(await reader.encumbrances.isModule(goods)).to.equal(false);
    await office.encumbrances.admitModule(goods).wait();
    expect(await reader.encumbrances.isModule(goods)).to.equal(true);
  });

  it("pledges an asset, shows by rank what binds it, and frees it", async () => {
    const { keeper, till } = people;
    const asset = { module: goods, asset: crane };
    const until = await later(30);
    const pledge = { ...asset, kind: "Pledge", beneficiary: BANK, until } as const;
    const first = await keeper.encumbrances.place(pledge).wait();
    expect(first).to.deep.include({ step: "placed", module: goods, id: 1, rank: 1, kind: "Pledge" });
    const taken = await refusal(keeper.encumbrances.place(pledge).wait());
    expect([taken.code, taken.args.next]).to.deep.equal(["RankTaken", 2n]);
    await keeper.encumbrances.place({ ...pledge, kind: "Lease", beneficiary: COURT, rank: 2 }).wait();
    const common = { until, binder: undefined };
    expect(await reader.encumbrances.of(asset)).to.deep.equal({
      locked: true,
      holds: 0,
      encumbrances: [
        { id: 1, rank: 1, kind: "Pledge", beneficiary: BANK, ...common },
        { id: 2, rank: 2, kind: "Lease", beneficiary: COURT, ...common },
      ],
    });
    const refused = await refusal(keeper.encumbrances.release({ ...asset, id: 1 }).simulate());
    expect([refused.code, refused.args.module]).to.deep.equal(["ReleaseRefused", goods]);
    await till.encumbrances.release({ ...asset, id: 1 }).wait();
    const left = await reader.encumbrances.of(asset);
    expect(left.encumbrances.map(({ id: number, rank }) => [number, rank])).to.deep.equal([[2, 1]]);
  });

  it("strikes an encumbrance by an order of force that two persons made", async () => {
    const { judge, bailiff, till } = people;
    const asset = { module: goods, asset: crane };
    const subject = strikeSubject(goods, crane, 2);
    const purpose = { scope: "Force", module: "Encumbrances", subject } as const;
    const request = { documentHash: paper, purpose, until: await later(9) };
    const { id: order, at } = await judge.orders.issue(request).wait();
    expect(at.block).to.be.greaterThan(0);
    expect((await reader.orders.get(order))?.status).to.equal("Unconfirmed");
    const strike = () => till.encumbrances.strike({ ...asset, id: 2, order });
    const early = await refusal(strike().wait());
    expect([early.code, early.args.status]).to.deep.equal(["OrderNotActive", "Unconfirmed"]);
    await bailiff.orders.confirm(order).wait();
    expect(await strike().wait()).to.deep.include({ step: "struck", id: 2, beneficiary: COURT, order });
    expect(await reader.orders.get(order)).to.deep.include({
      status: "Consumed",
      scope: "Force",
      organisation: COURT,
      subject,
      issuer: (await accountOf("judge")).address,
      confirmer: (await accountOf("bailiff")).address,
    });
    const history = await reader.orders.history(order);
    expect(history.map((one) => ("step" in one ? one.step : "issued"))).to.deep.equal([
      "issued",
      "confirmed",
      "consumed",
    ]);
    expect((await reader.encumbrances.history(asset)).map(({ step }) => step)).to.deep.equal([
      "placed",
      "placed",
      "released",
      "struck",
    ]);
    expect(await reader.encumbrances.of(asset)).to.deep.equal({ locked: false, holds: 0, encumbrances: [] });
  });

  it("holds an asset by an order that was signed, and that others brought", async () => {
    const { judge, till } = people;
    const asset = { module: goods, asset: crane };
    const purpose = { scope: "Hold", ...asset } as const;
    const shown: string[] = [];
    const act = await judge.orders
      .issue({ documentHash: paper, purpose, until: await later(9) })
      .sign({ deadline: await later(1), show: (text) => void shown.push(text) });
    expect(shown[0]).to.include("issue").and.include("Hold").and.include(crane);
    await till.relay(act).wait();
    const [issued] = (await reader.orders.list({ scope: "Hold" })).slice(-1);
    const order = issued!.id;
    expect(issued).to.deep.include({ module: goods, subject: crane, documentHash: paper });
    expect(await till.encumbrances.hold({ ...asset, order }).wait()).to.deep.include({ step: "held", order });
    expect(await reader.encumbrances.of(asset)).to.deep.include({ locked: true, holds: 1 });
    const stands = await refusal(till.encumbrances.releaseHold({ ...asset, order }).wait());
    expect(stands.code).to.equal("HoldStands");
    expect(await judge.orders.lift(order).wait()).to.deep.include({ id: order, step: "lifted" });
    await till.encumbrances.releaseHold({ ...asset, order }).wait();
    expect((await reader.encumbrances.of(asset)).locked).to.equal(false);
    expect(await reader.orders.list({ module: "Eligibility" })).to.deep.equal([]);
    expect(await reader.orders.get(99)).to.equal(undefined);
    expect(await reader.orders.history(99)).to.deep.equal([]);
  });

  it("holds a device where it is, and moves it by force, with what binds it", async () => {
    const { judge, bailiff, till } = people;
    const makers = await createTenon({ signer: world.signers.manufacturer, deployment });
    const key = makeKey(1);
    const registration = makers.devices.registration({ owner: HOLDER, deadline: 4_000_000_000n });
    const { message } = makers.devices.registrationMessage(key, registration);
    await makers.devices.register(key, registration, key.signBytes(message)).wait();
    const until = await later(9);
    const hold = { scope: "Hold", module: "DeviceRegistry", asset: key.id } as const;
    const held = await judge.orders.issue({ documentHash: paper, purpose: hold, until }).wait();
    await till.encumbrances.hold({ asset: key.id, order: held.id }).wait();
    const bound = { locked: true, holds: 1, encumbrances: [] };
    expect(await reader.encumbrances.of({ asset: key.id })).to.deep.equal(bound);
    expect((await world.registry.record(key.id)).locked).to.equal(true);

    const subject = transferSubject(registration.registry, key.id, BANK);
    const force = { scope: "Force", module: "DeviceRecovery", subject } as const;
    const order = await judge.orders.issue({ documentHash: paper, purpose: force, until }).wait();
    const move = () => bailiff.devices.forceTransfer(key.id, BANK, order.id);
    expect((await refusal(move().wait())).code).to.equal("OrderNotActive");
    await bailiff.orders.confirm(order.id).wait();
    await move().wait();
    expect(await reader.devices.ownerOf(key.id)).to.equal(holderOf(BANK));
    expect((await reader.orders.get(order.id))?.status).to.equal("Consumed");
    expect(await reader.encumbrances.of({ asset: key.id })).to.deep.equal(bound);
    expect((await world.registry.record(key.id)).locked).to.equal(true);
  });

  it("says who may hold what, and why not, before the act", async () => {
    const { judge, till } = people;
    const until = await later(200);
    expect(await reader.eligibility.explain(HOLDER, "machines")).to.equal("HolderUnknown");
    for (const organisation of [HOLDER, BANK]) {
      const set = await office.eligibility.set({ organisation, classes: ["machines", 31], until }).wait();
      expect(set).to.deep.include({
        organisation,
        classes: ["machines", 31],
        holder: holderOf(organisation),
      });
    }
    expect(await reader.eligibility.get(BANK)).to.deep.equal({
      organisation: BANK,
      holder: holderOf(BANK),
      active: true,
      classes: ["machines", 31],
      until,
      frozenUntil: 0,
      freezes: [],
    });
    expect(await reader.eligibility.explain(BANK, "machines")).to.equal("Eligible");
    expect(await reader.eligibility.explain(BANK, "cash")).to.equal("ClassMissing");
    expect(await reader.eligibility.explainPair(HOLDER, BANK, 31)).to.equal(undefined);

    const purpose = { scope: "Freeze", organisation: HOLDER } as const;
    const order = await judge.orders.issue({ documentHash: paper, purpose, until: await later(9) }).wait();
    expect(await till.eligibility.freeze(order.id).wait()).to.deep.include({
      step: "frozen",
      holder: holderOf(HOLDER),
      order: order.id,
      until: order.until,
    });
    expect(await reader.eligibility.explainPair(HOLDER, BANK, "machines")).to.deep.equal({
      organisation: HOLDER,
      reason: "Frozen",
    });
    expect((await reader.eligibility.get(HOLDER)).freezes).to.deep.equal([order.id]);
    await judge.orders.lift(order.id).wait();
    const unfrozen = await till.eligibility.unfreeze(order.id).wait();
    expect(unfrozen).to.deep.include({ step: "unfrozen", order: order.id, until: 0 });
    expect(await reader.eligibility.explain(HOLDER, "machines")).to.equal("Eligible");
    const unknown = await refusal(reader.eligibility.explain(BANK, 32));
    expect(unknown.code).to.equal("AssetClassUnknown");
  });

  it("publishes keys of organisations by use and version", async () => {
    const { keeper, judge } = people;
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const published = await keeper.keys.publish("DeviceFacing", pair.privateKey).wait();
    expect(published).to.deep.include({ step: "published", organisation: HOLDER, version: 1 });
    const key = (await reader.keys.get(HOLDER, "DeviceFacing"))!;
    expect(key).to.deep.include({ use: "DeviceFacing", version: 1 });
    const jwk = pair.publicKey.export({ format: "jwk" });
    const point = Buffer.concat([
      Buffer.of(4),
      Buffer.from(jwk.x!, "base64url"),
      Buffer.from(jwk.y!, "base64url"),
    ]);
    expect(Buffer.from(rawPoint(key))).to.deep.equal(point);

    const { x, y } = key;
    await judge.keys.publish("Disclosure", { x, y }).wait();
    expect((await reader.keys.disclosure()).map((one) => [one.organisation, one.x])).to.deep.equal([
      [COURT, x],
    ]);
    await judge.keys.withdraw("Disclosure").wait();
    expect(await reader.keys.disclosure()).to.deep.equal([]);
    expect(await reader.keys.get(COURT, "Disclosure")).to.equal(undefined);
    expect((await reader.keys.at(COURT, "Disclosure", 1))?.y).to.equal(y);
    expect(await reader.keys.get(HOLDER, "Encryption")).to.equal(undefined);
    const role = await refusal(judge.keys.publish("Encryption", { x, y }).wait());
    expect(role.code).to.equal("RoleMissing");
  });

  it("refuses before sending what is no module, no id, and no P-256 key", async () => {
    const { keeper } = people;
    const codeOf = async (make: () => unknown) => (await refusal(Promise.resolve().then(make))).code;
    const request = { kind: "Pledge", beneficiary: BANK, until: await later(1) } as const;
    const place = (asset: { module?: string; asset: Hex }) =>
      keeper.encumbrances.place({ ...asset, ...request });
    expect(await codeOf(() => place({ module: "DeviceRegister", asset: crane }))).to.equal("ModuleUnknown");
    expect(await codeOf(() => place({ asset: "0x12" }))).to.equal("HexInvalid");
    const other = generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey;
    const foreign = createPrivateKey(other.export({ type: "pkcs8", format: "pem" }));
    expect(await codeOf(() => keeper.keys.publish("Encryption", foreign))).to.equal("KeyUnsupported");
  });

  it("announces the registrar's classes after the seal, and sets them when they are due", async () => {
    const sealed = await newTenon();
    const record = checkDeployment(sealed.record);
    const registrar = await createTenon({ signer: sealed.signers.registrar, deployment: record });
    const until = (await sealed.networkHelpers.time.latest()) + 100 * DAY;
    const set = () => registrar.eligibility.set({ organisation: BANK, classes: ["cash"], until });
    expect((await set().proceed()).done).to.equal(false);
    await sealed.networkHelpers.time.increase(SEAL_DELAY);
    expect((await set().proceed()).done).to.equal(true);
    expect(await registrar.eligibility.explain(BANK, "cash")).to.equal("Eligible");
  });
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import hre from "hardhat";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { AccessJournal, DeviceGuard } from "../../sdk/src/access/index.js";
import { DeviceSigner, saveKey } from "../../sdk/src/device/index.js";
import type { Hex } from "../../sdk/src/index.js";
import { accessTasks } from "../../tasks/access/index.js";
import { recordPath } from "../../tasks/deploy/record.js";
import { attempt, services } from "../sdk/access/support.js";
import { type AccessWorld, accessWorld, org, ownedDevice } from "../support/access-world.js";

const ENDPOINT = "opc.tcp://10.20.0.7:4840/press-17";

describe("the access tasks", () => {
  let world: AccessWorld;
  let folder: string;
  let machine: DeviceSigner;
  let device: Hex;
  let here: HardhatRuntimeEnvironment;
  before(async function () {
    this.timeout(120_000);
    world = await accessWorld();
    folder = mkdtempSync(join(tmpdir(), "tenon-access-tasks-"));
    const { chainId, genesisHash } = world.deployment;
    writeFileSync(recordPath(folder, chainId, genesisHash), JSON.stringify(world.record));
    writeFileSync(file("facing.pem"), world.keys.facing.toPem(), { mode: 0o600 });
    for (const side of ["firm", "regulator"] as const) {
      const pem = world.keys[side].privateKey.export({ format: "pem", type: "pkcs8" });
      writeFileSync(file(`${side}.pem`), pem);
    }
    machine = await ownedDevice(world);
    device = machine.id;
    // The tasks open this chain in place of one of --network, and leave it open.
    const { ethers, provider } = world;
    const network = { create: async () => ({ ethers, provider, close: async () => {} }) };
    here = Object.assign(Object.create(hre), { network }) as HardhatRuntimeEnvironment;
  });
  after(() => rmSync(folder, { recursive: true }));

  const file = (name: string) => join(folder, name);
  const firm = () => world.signers.firm.address;

  /** What a task printed, and whether it ended well. */
  async function run(verb: string, args: Record<string, unknown>) {
    const { default: action } = await import(`../../tasks/access/${verb}/action.js`);
    const { log, error } = console;
    const said: string[] = [];
    const keep = (text: unknown) => said.push(String(text));
    Object.assign(console, { log: keep, error: keep });
    try {
      await action({ days: 7, json: false, record: folder, ...args }, here);
    } finally {
      Object.assign(console, { log, error });
    }
    const failed = process.exitCode === 1;
    process.exitCode = undefined;
    return { text: said.join("\n"), failed };
  }
  const as = (side: keyof AccessWorld["signers"]) => world.signers[side].address;
  async function json(verb: string, args: Record<string, unknown>): Promise<Record<string, never>> {
    const { text, failed } = await run(verb, { ...args, json: true });
    expect(failed, text).to.equal(false);
    return JSON.parse(text);
  }

  it("are all told to Hardhat, each with an action of its own", async () => {
    const verbs = accessTasks.map(({ id }) => id[1]).filter((verb) => verb !== undefined);
    expect(verbs).to.include.members(["ask", "grant", "sign-pass", "request", "redeem", "change", "revoke"]);
    expect(verbs).to.include.members(["delegate", "stop", "show", "audit", "disclose", "anchor", "verify"]);
    for (const verb of verbs) {
      expect((await import(`../../tasks/access/${verb}/action.js`)).default, verb).to.be.a("function");
    }
  });

  it("are the ones that the page on access lists", () => {
    const page = readFileSync("docs/access.md", "utf8").split("## Tasks")[1]!;
    const listed = new Set([...page.matchAll(/`access ([a-z-]+)/g)].map(([, verb]) => verb));
    const verbs = accessTasks.map(({ id }) => id[1]).filter((verb) => verb !== undefined);
    expect([...listed].sort()).to.deep.equal(verbs.sort());
  });

  it("find in the DID document what a device offers, and ask for what that needs", async () => {
    const interfaces = [{ id: "state", type: "MachineState", permissions: ["readState"] }];
    await world.owner.did.publish(device, { interfaces }).wait();
    expect((await run("show", { id: device })).text).to.include("#state (MachineState, by grant): readState");
    const asked = await json("ask", { id: device, service: "state", from: firm() });
    expect(asked.permissions).to.equal("readState");
    const none = await run("ask", { id: device, service: "lathe", from: firm() });
    expect(none.text)
      .to.match(/^ServiceUnknown: /)
      .and.to.include("published: state");
  });

  it("lead from the question to the endpoint, and back to no access", async () => {
    const asked = await json("ask", {
      id: device,
      permissions: "readState",
      purpose: "yearly service",
      from: firm(),
    });
    expect(asked).to.deep.include({ grantee: firm(), permissions: "readState", purpose: "yearly service" });

    const terms = { id: device, grantee: firm(), permissions: "readState,startStop", endpoint: ENDPOINT };
    const signed = await json("sign-pass", { ...terms, from: as("owner"), out: file("pass.json") });
    expect(signed).to.deep.include({ rev: 1, epoch: 1, signer: as("owner") });
    expect((await json("register-pass", { file: file("pass.json"), from: as("stranger") })).pass).to.equal(
      signed.pass,
    );

    const wanted = { id: device, permissions: "readState", from: firm() };
    const key = { organisation: String(org.firm), key: file("firm.pem") };
    const { token, endpoint } = await json("request", { ...wanted, ...key });
    expect(endpoint).to.equal(ENDPOINT);
    const redeemed = await json("redeem", { id: device, token, requester: firm(), from: as("owner") });
    expect(redeemed).to.deep.include({ permissions: "readState", by: as("owner") });
    const twice = await run("redeem", { id: device, token, from: firm() });
    expect(twice.failed).to.equal(true);
    expect(twice.text).to.match(/^TokenSpent: Access was refused/);

    const changed = await json("change", {
      id: device,
      grantee: firm(),
      permissions: "readState",
      from: as("owner"),
    });
    expect(changed).to.deep.include({ permissions: "readState", rev: 2 });
    expect((await run("request", { ...wanted, permissions: "startStop" })).text).to.match(
      /^PermissionMissing/,
    );
    expect((await json("revoke", { id: device, grantee: firm(), from: as("owner") })).rev).to.equal(3);
    expect((await run("request", wanted)).text).to.match(/^PassRevoked: /);
    expect((await run("change", { id: device, grantee: firm(), from: as("owner") })).text).to.match(
      /^PassMissing: /,
    );
  });

  it("stop everybody, and say who could do what, and who did", async () => {
    const role = `${org.firm}:DeviceManager`;
    await json("grant", {
      id: device,
      grantee: role,
      permissions: "readState",
      delegations: "1",
      from: as("owner"),
    });
    const given = {
      id: device,
      own: role,
      grantee: as("helper"),
      permissions: "readState",
      days: 1,
      from: firm(),
    };
    expect((await json("delegate", given)).from).to.equal(role);
    await world.networkHelpers.mine();
    const { timestamp } = (await world.ethers.provider.getBlock("latest"))!;
    await world.networkHelpers.time.increase(10);
    expect((await json("stop", { id: device, from: as("owner") })).accessStopped).to.equal(true);

    const shown = (await run("show", { id: device })).text;
    expect(shown).to.include(`${role}: AccessStopped: readState`).and.to.include("access stopped");
    const then = (await run("audit", { id: device, at: String(timestamp) })).text;
    expect(then).to.include("who could do what:");
    expect(then).to.include(`  ${role}: readState until `);
    expect(then).to.include(`  ${as("helper")}: readState until `);
    expect(then).to.include(`  ${firm()}: nothing (PassRevoked; `);
    expect(then).to.include(`${firm()} asked for readState`);
    expect(then).to.include(`${firm()} used readState, as ${firm()}; redeemed by ${as("owner")}`);
    expect(then).to.include(`${firm()} was refused, as ${firm()}: PermissionMissing`);
    const today = await json("audit", { id: device });
    expect((today.state as unknown as { accessStopped: boolean }).accessStopped).to.equal(true);
    expect((await json("allow", { id: device, from: as("owner") })).accessStopped).to.equal(false);
  });

  it("open an endpoint to the regulator, which is logged", async () => {
    const order = {
      id: device,
      grantee: firm(),
      permissions: "readState",
      endpoint: ENDPOINT,
      from: as("owner"),
    };
    await json("grant", order);
    const key = { organisation: String(org.regulator), key: file("regulator.pem") };
    const opened = await json("disclose", { id: device, grantee: firm(), ...key, from: as("regulator") });
    expect(opened.endpoint).to.equal(ENDPOINT);
    expect((await run("audit", { id: device })).text).to.include(
      `read by the regulator, organisation ${org.regulator} (general supervision)`,
    );
  });

  it("issue a pass for a device without a network, and anchor what that device wrote down", async () => {
    const later = Math.ceil(
      (Date.now() / 1000 - (await world.ethers.provider.getBlock("latest"))!.timestamp) / 86_400,
    );
    const terms = {
      id: device,
      grantee: as("helper"),
      permissions: "readState",
      days: Math.max(later, 0) + 7,
    };
    await json("sign-pass", { ...terms, from: as("owner"), out: file("offline.json") });
    const engineer = DeviceSigner.generate();
    saveKey(file("engineer.pem"), engineer);
    const issue = { file: file("offline.json"), key: file("facing.pem"), requester: file("engineer.pem") };
    const issued = await json("offline-pass", { ...issue, out: file("pass.cose") });
    expect(issued.requester).to.equal(engineer.id);

    const journal = AccessJournal.open(file("access.log"));
    const { domain } = world.owner.access;
    const options = { path: file("guard.json"), signer: machine, domain, needs: services.needs, journal };
    const owner = { organisation: org.owner, key: world.keys.facing.key };
    const guard = DeviceGuard.commission(options, { owner, epoch: 1 });
    const pass = new Uint8Array(readFileSync(file("pass.cose")));
    expect(attempt(guard, { pass, signer: engineer, domain })).to.equal("Allowed");
    guard.close();
    journal.close();

    const kept = { file: file("access.log"), device, organisation: String(org.owner) };
    expect(await json("anchor", { ...kept, from: as("owner") })).to.deep.include({ from: 0, to: 0 });
    expect(await json("anchor", { ...kept, from: as("owner") })).to.deep.include({ entries: 1, anchored: 1 });
    expect(await json("verify", kept)).to.deep.equal({ entries: 1, anchored: 1 });
  });

  it("say in words what is missing or wrong", async () => {
    const text = async (verb: string, args: Record<string, unknown>) => (await run(verb, args)).text;
    expect(await text("ask", { id: device, from: firm() })).to.match(
      /^OptionMissing: --permissions is missing/,
    );
    expect(await text("ask", { id: device, permissions: "fly", from: firm() })).to.match(
      /^PermissionUnknown: /,
    );
    expect(await text("grant", { id: device, permissions: "readState" })).to.match(
      /^OptionMissing: --grantee/,
    );
    const nobody = { id: device, grantee: "4:Nobody", permissions: "readState" };
    expect(await text("grant", nobody)).to.match(/^GranteeUnreadable: /);
    expect(await text("register-pass", { file: file("none.json") })).to.match(/^FileUnreadable: /);
    const key = { organisation: "4", key: file("offline.json") };
    const request = { id: device, permissions: "readState", from: firm(), ...key };
    expect(await text("request", request)).to.match(/^KeyFileUnreadable: /);
    expect(await text("verify", { file: file("pass.json"), organisation: "2" })).to.match(
      /^OptionMissing: --device/,
    );
  });
});

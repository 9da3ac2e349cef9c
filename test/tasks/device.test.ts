import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Wallet } from "ethers";
import { createHardhatRuntimeEnvironment } from "hardhat/hre";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import config from "../../hardhat.config.js";
import { DeviceSigner, loadKey, saveKey } from "../../sdk/src/device/index.js";
import { holderOf, loadDeployment } from "../../sdk/src/index.js";
import { type ChainAccess, chain, newKey } from "../scenarios/support/chain.js";

const org = { maker: 1, owner: 2, buyer: 3, authority: 4 } as const;
type Side = keyof typeof org;

/** What a task printed, and how it ended. */
interface Answer {
  out: string;
  error: string;
  code: number;
}

describe("device tasks", function () {
  this.timeout(120_000);
  const keys = { maker: newKey(), owner: newKey(), buyer: newKey(), authority: newKey(), deployer: newKey() };
  const runtimes = new Map<string, HardhatRuntimeEnvironment>();
  let folder: string;
  let access: ChainAccess;
  const file = (name: string) => join(folder, name);

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "tenon-device-tasks-"));
    const open = await chain.open();
    access = await open.access();
    Object.assign(process.env, access.env);
    const member = (side: Side, code: string, role: string) => ({
      name: side,
      code,
      signatories: [{ address: keys[side].address, roles: [{ role, days: 30 }] }],
    });
    const members = {
      organisations: [
        member("maker", "91310000MA1K35T21X", "Manufacturer"),
        member("owner", "91440300MA5G0Q8P7B", "DeviceManager"),
        member("buyer", "91310000MA1FL0BB2X", "DeviceManager"),
        member("authority", "5493001KJTIIGC8Y1R12", "DeviceAuthority"),
      ],
      streams: [],
    };
    writeFileSync(file("members.json"), JSON.stringify(members));
    const office = { admin: newKey().address, registrar: newKey().address, guardian: newKey().address };
    await as(keys.deployer, ["deploy"], { members: file("members.json"), ...office });
  });
  after(async () => {
    for (const name of Object.keys(access?.env ?? {})) delete process.env[name];
    delete process.env.TENON_BESU_KEY;
    await access?.close();
    rmSync(folder, { recursive: true });
  });

  /** Runs a task in this process as an account, on the network that is reached over HTTP. */
  async function run(account: Wallet, id: string[], args: Record<string, unknown>): Promise<Answer> {
    process.env.TENON_BESU_KEY = account.privateKey;
    const hre =
      runtimes.get(account.address) ?? (await createHardhatRuntimeEnvironment(config, { network: "besu" }));
    runtimes.set(account.address, hre);
    const { log, error } = console;
    const lines: { out: string[]; error: string[] } = { out: [], error: [] };
    console.log = (line) => lines.out.push(String(line));
    console.error = (line) => lines.error.push(String(line));
    process.exitCode = 0;
    try {
      await hre.tasks.getTask(id).run({ record: file("deployments"), ...args });
      return {
        out: lines.out.join("\n"),
        error: lines.error.join("\n"),
        code: Number(process.exitCode ?? 0),
      };
    } finally {
      process.exitCode = 0;
      Object.assign(console, { log, error });
    }
  }

  /** The task's JSON answer; fails when it refused. */
  async function as(account: Wallet, id: string[], args: Record<string, unknown> = {}) {
    const { out, error, code } = await run(account, id, { ...args, json: true });
    expect(code, `${id.join(" ")}: ${error}`).to.equal(0);
    // biome-ignore lint/suspicious/noExplicitAny: every task answers something else
    return JSON.parse(out.split("\n").at(-1)!) as any;
  }

  const on = (side: Side, verb: string, args: Record<string, unknown> = {}) =>
    as(keys[side], ["device", ...verb.split(" ")], args);

  /** The code of a refusal. */
  async function refused(side: Side, verb: string, args: Record<string, unknown>): Promise<string> {
    const { error, code } = await run(keys[side], ["device", ...verb.split(" ")], args);
    expect(code, verb).to.equal(1);
    return error.split(":")[0]!;
  }

  /** A device key in a file of its own. */
  function newDevice(name: string): { path: string; signer: DeviceSigner } {
    const path = file(`${name}.pem`);
    const signer = DeviceSigner.generate();
    saveKey(path, signer);
    return { path, signer };
  }

  /** A device of the owner. */
  async function owned(name: string) {
    const device = newDevice(name);
    await on("maker", "register", { key: device.path, owner: org.owner });
    return { ...device, id: device.signer.id };
  }

  it("enrol --list makes the files first, opens once, and activates by list or by file", async () => {
    const run = ["a", "b", "c"].map((name) => newDevice(`run-${name}`));
    const rows = run.map(({ signer: { key } }, i) => `${key.x}${key.y.slice(2)},HM-12,SN-${i}`);
    writeFileSync(file("run.csv"), `publicKey,model,serial\n${rows.join("\n")}\n`);
    const options = { list: file("run.csv"), out: file("run.json"), activations: file("run") };
    const dry = await on("maker", "enrol", { ...options, dry: true });
    expect(dry).to.deep.include({ devices: 3, list: file("run.json") });
    expect(readdirSync(file("run"))).to.have.length(3);
    expect(await refused("owner", "enrol", options)).to.equal("ManufacturerRefused");
    const opened = await on("maker", "enrol", { ...options, buyer: org.owner });
    expect([opened.root, opened.opened]).to.deep.equal([dry.root, "now"]);
    expect(await on("maker", "enrol", options)).to.deep.include({ root: dry.root, opened: "already" });

    const [a, b] = run as [(typeof run)[0], (typeof run)[0]];
    const path = file(`run/${a.signer.id.slice(2)}.json`);
    expect(await refused("owner", "activate", { file: path, key: b.path, owner: org.owner })).to.equal(
      "DeviceNotListed",
    );
    expect(await on("owner", "activate", { file: path, key: a.path, owner: org.owner })).to.deep.include({
      device: a.signer.id,
      by: "factory list",
    });
    await on("owner", "activate", { file: file("run.json"), key: b.path, owner: org.owner });
    expect(await refused("maker", "enrol", {})).to.equal("OptionMissing");
  });

  it("voucher is signed by the maker and used by the owner; batch takes what devices proved", async () => {
    const { path, signer } = newDevice("vouched");
    const out = file("voucher.json");
    await on("maker", "voucher", { key: path, out, buyer: org.owner });
    expect(await on("owner", "activate", { file: out, key: path, owner: org.owner })).to.deep.include({
      device: signer.id,
      by: "voucher",
    });

    const lines: string[] = [];
    for (const name of ["one", "two"]) {
      const device = newDevice(`batch-${name}`);
      const { out: line } = await run(keys.owner, ["device", "prove"], {
        key: device.path,
        owner: org.owner,
      });
      lines.push(line);
    }
    writeFileSync(file("batch.jsonl"), `${lines.join("\n")}\n`);
    expect(await on("maker", "enrol", { batch: file("batch.jsonl") })).to.deep.equal({
      enrolled: 2,
      already: 0,
      transactions: 1,
      refused: [],
    });
    expect(await on("maker", "enrol", { batch: file("batch.jsonl") })).to.deep.include({ already: 2 });
    writeFileSync(file("bad.jsonl"), `${lines[0]}\n{}\n`);
    expect(await refused("maker", "enrol", { batch: file("bad.jsonl") })).to.equal("FormInvalid");
  });

  it("offers, rejects, cancels, accepts, engages; and tells who owned it", async () => {
    const { id, path } = await owned("sold");
    await on("owner", "offer", { id, to: org.buyer });
    await on("buyer", "reject", { id });
    await on("owner", "offer", { id, to: org.buyer });
    await on("owner", "cancel", { id });
    expect(await refused("buyer", "accept", { id })).to.equal("DeviceOfferMissing");
    await on("owner", "offer", { id, to: org.buyer });
    const { block, epoch } = await on("buyer", "accept", { id });
    expect(epoch).to.equal(2);
    expect(await on("owner", "engage", { id, key: path })).to.deep.include({
      epoch: 2,
      owner: holderOf(org.buyer),
    });
    const at = (of: number) => on("maker", "owner-at", { id, block: String(of) });
    expect((await at(block)).owner).to.equal(holderOf(org.buyer));
    expect((await at(block - 1)).owner).to.equal(holderOf(org.owner));
    expect((await on("maker", "owner-at", { id, time: "2020-01-01T00:00:00Z" })).owner).to.include("nobody");

    const voucher = file("history.json");
    await on("maker", "history", { id, voucher });
    const { head } = JSON.parse(readFileSync(voucher, "utf8"));
    const { steps } = await on("maker", "history", { check: voucher, trustedHead: head });
    expect(steps.map(({ name }: { name: string }) => name)).to.deep.equal([
      "deployment",
      "history",
      "history",
    ]);
    expect(await refused("maker", "history", { check: voucher })).to.equal("TrustMissing");
    const shown = await run(keys.maker, ["device", "show"], { id });
    expect(shown.out).to.include("accepted: from");
  });

  it("transfer is signed by one side and sent by the other", async () => {
    const { id } = await owned("both");
    const sale = file("sale.json");
    expect(await on("owner", "transfer", { id, to: org.buyer, file: sale })).to.deep.include({
      signed: "owner",
    });
    expect(await refused("maker", "transfer", { id, file: sale })).to.equal("HandOverForeign");
    expect(await on("buyer", "transfer", { id, file: sale })).to.deep.include({ to: org.buyer, epoch: 2 });
  });

  it("rotates the key in a file, and recovers a device that lost its own", async () => {
    const { id, path, signer } = await owned("rotated");
    await on("owner", "rotate", { key: path });
    const next = loadKey(path);
    expect([next.id, next.key.x === signer.key.x]).to.deep.equal([id, false]);
    await on("owner", "rotate", { key: path });

    const lost = await owned("lost");
    const newKey = file("lost-new.pem");
    const proposed = await on("maker", "recover propose", { id: lost.id, newKey, owner: org.buyer });
    expect(proposed).to.deep.include({ newOwner: org.buyer, ready: "not confirmed" });
    await on("authority", "recover confirm", { id: lost.id });
    expect(await refused("buyer", "recover execute", { id: lost.id, newKey })).to.equal("RecoveryNotReady");
    await on("owner", "recover cancel", { id: lost.id });
    expect(await refused("maker", "recover show", { id: lost.id })).to.equal("RecoveryMissing");
  });

  it("stops and starts, ends for good, and lists", async () => {
    const { id } = await owned("ended");
    for (const verb of ["stop-access", "allow-access", "suspend", "resume", "revoke"])
      await on("owner", verb, { id });
    expect(await refused("owner", "resume", { id })).to.be.oneOf(["DeviceTransitionRefused", "DeviceEnded"]);
    const { out } = await run(keys.maker, ["device", "list"], { owner: org.owner });
    expect(out).to.include(id);
    expect(loadDeployment(file("deployments")).contracts.DeviceRegistry.address).to.match(/^0x/);
  });
});

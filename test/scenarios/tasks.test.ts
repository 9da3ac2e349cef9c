import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type Deployment, loadDeployment } from "../../sdk/src/deployment.js";
import { type DeviceSigner, loadKey } from "../../sdk/src/device/index.js";
import { createTenon } from "../../sdk/src/index.js";
import { proofToJson } from "../../sdk/src/proof/form.js";
import { anchorOf, threeFrames } from "./support/batch.js";
import { type ChainAccess, chain, newKey } from "./support/chain.js";
import { type Task, taskRunner } from "./support/task.js";

describe(`the tasks of a user with a key and no coins, on ${chain.name}`, function () {
  this.timeout(8 * chain.patienceMs);
  const keys = {
    ...{ deployer: newKey(), admin: newKey(), registrar: newKey(), guardian: newKey() },
    ...{ maker: newKey(), oracle: newKey() },
  };
  let folder: string;
  let access: ChainAccess;
  let task: Task;
  let deployment: Deployment;
  let device: DeviceSigner;
  let broken = false;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "tenon-tasks-"));
    access = await (await chain.open()).access();
    task = taskRunner(access, join(folder, "deployments"));
    writeFileSync(file("members.json"), JSON.stringify(members()));
  });
  after(async () => {
    await access?.close();
    rmSync(folder, { recursive: true });
  });
  // Each step goes on where the one before ended.
  beforeEach(function () {
    if (broken) this.skip();
  });
  afterEach(function () {
    broken ||= this.currentTest?.state === "failed";
  });

  const file = (name: string) => join(folder, name);

  function members() {
    const signatory = (address: string, ...roles: string[]) => [
      { address, roles: roles.map((role) => ({ role, days: 30 })) },
    ];
    const maker = signatory(keys.maker.address, "Manufacturer", "DeviceManager");
    const oracle = signatory(keys.oracle.address, "Anchor");
    return {
      organisations: [
        { name: "Maker", code: "91310000MA1K35T21X", signatories: maker },
        { name: "Oracle", code: "5493001KJTIIGC8Y1R12", signatories: oracle },
      ],
      streams: [{ key: keys.oracle.address }],
    };
  }

  it("deploy and seal once, however often they run", async () => {
    const offices = (["admin", "registrar", "guardian"] as const).flatMap((office) => [
      `--${office}`,
      keys[office].address,
    ]);
    const deploy = ["deploy", "--members", file("members.json")];
    const first = await task(keys.deployer, [...deploy, ...offices]);
    expect(first.record).to.have.nested.property("sealed.guardian.address", keys.guardian.address);
    expect((await task(keys.deployer, deploy)).sent).to.equal(0);
    deployment = loadDeployment(first.path as string);
  });

  it("register a device with the key in a file, and show it", async () => {
    const pem = file("device.pem");
    const registered = await task(keys.maker, ["device", "register", "--key", pem, "--owner", "1"]);
    device = loadKey(pem);
    expect(registered.device).to.equal(device.id);
    const shown = await task(keys.deployer, ["device", "show", device.id]);
    expect(shown).to.include({ id: device.id, status: "Active" });
  });

  it("publish what the device offers, and find it by its DID", async () => {
    const did = `did:tenon:${deployment.chainId}:${device.id.slice(2)}`;
    const offered = [{ id: "telemetry", type: "TelemetryStream", permissions: ["readTelemetry"] }];
    writeFileSync(file("document.json"), JSON.stringify({ interfaces: offered }));
    const publish = ["did", "publish", did, "--document", file("document.json")];
    const published = await task(keys.maker, publish);
    expect(published).to.include({ did, number: 1, epoch: 1 });
    expect(await task(keys.oracle, ["did", "interfaces", device.id])).to.deep.equal(offered);

    const newest = await task(keys.oracle, ["did", "resolve", did]);
    expect(newest).to.have.nested.property("didDocument.service[0].id", `${did}#telemetry`);
    const before = String(Number(published.block) - 1);
    const older = await task(keys.oracle, ["did", "resolve", did, "--version-id", before]);
    expect(older).to.have.nested.property("didDocumentMetadata.nextVersionId", String(published.block));
    expect(older).to.not.have.nested.property("didDocument.service");
    expect(await task(keys.oracle, ["did", "resolve", `${did}#telemetry`])).to.include({
      type: "TelemetryStream",
    });
  });

  it("show the stream that an oracle anchored to", async () => {
    const tenon = await createTenon({ signer: keys.oracle.connect(access.provider), deployment });
    const frames = threeFrames(device, deployment, await presentTime());
    const { batch, pathOf } = anchorOf(frames, device, deployment);
    await tenon.telemetry.anchor(batch).wait();
    const place = { frame: frames[1]!, stream: 1, batch: 0, index: 1, path: pathOf(1) };
    const proof = await tenon.telemetry.completeProof(place);
    expect((await tenon.telemetry.verifyFrame(proof, device.key)).seq).to.equal(2n);
    writeFileSync(file("proof.json"), proofToJson(proof));
    expect(await task(keys.deployer, ["anchor", "show"])).to.include({ next: 1, size: "3" });
  });

  it("verify a proof against the node, and refuse a changed one in words", async () => {
    const verify = ["frame", "verify", file("proof.json"), "--rpc"];
    const { steps } = (await task(keys.deployer, verify)) as { steps: { name: string }[] };
    expect(steps.map(({ name }) => name)).to.deep.equal([
      "deployment",
      "frame",
      "device signature",
      "batch root",
      "contract",
      "receipt",
      "block",
    ]);
    const proof = JSON.parse(readFileSync(file("proof.json"), "utf8")) as { index: number };
    writeFileSync(file("proof.json"), JSON.stringify({ ...proof, index: proof.index - 1 }));
    const said = await task(keys.deployer, verify).then(
      () => "it was taken",
      ({ stderr = "" }: { stderr?: string }) => stderr,
    );
    expect(said)
      .to.match(/^ProofInvalid: /m)
      .and.not.match(/\n\s+at /);
  });

  /** Of the chain or the clock, whichever is behind: an anchor may not name a time that is not yet. */
  async function presentTime(): Promise<bigint> {
    const block = (await access.provider.getBlock("latest"))!;
    return BigInt(Math.min(block.timestamp, Math.floor(Date.now() / 1000)));
  }
});

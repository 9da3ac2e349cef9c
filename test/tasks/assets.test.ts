import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { id } from "ethers";
import { artifacts } from "hardhat";
import { deployTenon } from "../../tasks/deploy/deploy.js";
import { embedded, newKey } from "../scenarios/support/chain.js";
import { type Task, taskRunner } from "../scenarios/support/task.js";

const device = id("a device that nobody registered");

describe("the tasks order, eligibility, encumbrance and key", function () {
  this.timeout(300_000);
  const keys = { deployer: newKey(), judge: newKey(), bailiff: newKey(), stranger: newKey() };
  let folder: string;
  let task: Task;
  let end: () => Promise<void>;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "tenon-assets-"));
    const { connection, access } = await embedded.open();
    const court = (key: keyof typeof keys, role: "Regulator" | "Enforcer") => ({
      address: keys[key].address,
      roles: [{ role, days: 30 }],
    });
    await deployTenon(connection, {
      artifacts,
      evmVersion: "osaka",
      signer: keys.deployer.connect(connection.ethers.provider),
      recordFolder: join(folder, "deployments"),
      members: {
        organisations: [
          {
            name: "Court",
            code: "91310000MA1K35T21X",
            signatories: [court("judge", "Regulator"), court("bailiff", "Enforcer")],
          },
        ],
        streams: [],
      },
    });
    const reached = await access();
    end = reached.close;
    task = taskRunner(reached, join(folder, "deployments"));
  });
  after(async () => {
    await end?.();
    rmSync(folder, { recursive: true });
  });

  /** What a task prints when it refuses. */
  const refusal = (key: keyof typeof keys, args: string[]) =>
    task(keys[key], args).then(
      () => "it was taken",
      ({ stderr = "" }: { stderr?: string }) => stderr,
    );

  it("issue, confirm, show and lift orders", async () => {
    const about = ["--device", device, "--to", "1", "--document", id("paper"), "--days", "9"];
    const issued = await task(keys.judge, ["order", "issue", "Force", ...about]);
    expect(issued).to.include({ order: 1, scope: "Force" });
    expect(await task(keys.bailiff, ["order", "confirm", "1"])).to.include({ order: 1, confirmed: true });
    const shown = await task(keys.stranger, ["order", "show", "1"]);
    expect(shown).to.include({
      status: "Active",
      confirmer: keys.bailiff.address,
      documentHash: id("paper"),
    });
    expect(await task(keys.judge, ["order", "lift", "1"])).to.include({ order: 1, lifted: true });
    expect(await refusal("judge", ["order", "issue", "Hold", "--days", "9"])).to.match(/^OptionMissing: /m);
  });

  it("set what an organisation may hold, freeze it, and explain", async () => {
    await task(keys.deployer, ["eligibility", "set", "1", "cash,7", "--days", "100"]);
    const may = ["eligibility", "explain", "1", "cash"];
    const order = ["order", "issue", "Freeze", "--organisation", "1", "--document", id("p"), "--days", "9"];
    const { order: number } = await task(keys.judge, order);
    await task(keys.stranger, ["eligibility", "freeze", String(number)]);
    const frozen = await task(keys.stranger, ["eligibility", "explain", "1"]);
    expect(frozen).to.deep.include({ classes: ["cash", 7], freezes: [number] });
    const why = await task(keys.stranger, may).catch(({ stdout }: { stdout: string }) => JSON.parse(stdout));
    expect(why).to.deep.equal({ may: false, organisation: 1, reason: "Frozen" });
    const early = await refusal("stranger", ["eligibility", "unfreeze", String(number)]);
    expect(early).to.match(/^FreezeStands: /m);
  });

  it("say what binds an asset, and refuse in words what they cannot bind or free", async () => {
    expect(await task(keys.stranger, ["encumbrance", "list", device])).to.deep.equal({
      locked: false,
      encumbrances: [],
      holds: 0,
      history: [],
    });
    const pledge = ["encumbrance", "place", device, "--kind", "Pledge", "--beneficiary", "1", "--days", "9"];
    expect(await refusal("judge", pledge)).to.match(/^AssetUnknown: .*\n(.*\n)* {2}→ /m);
    expect(await refusal("judge", ["encumbrance", "release", device, "--id", "1"])).to.match(
      /^EncumbranceUnknown: /m,
    );
  });

  it("publish a key from a file, and show it", async () => {
    const pem = join(folder, "key.pem");
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    writeFileSync(pem, privateKey.export({ type: "pkcs8", format: "pem" }));
    expect(await task(keys.judge, ["key", "publish", "Disclosure", "--key", pem])).to.include({ version: 1 });
    const { keys: shown } = (await task(keys.stranger, ["key", "show"])) as { keys: { publisher: string }[] };
    expect(shown.map(({ publisher }) => publisher)).to.deep.equal([keys.judge.address]);
    expect((await task(keys.stranger, ["key", "show", "1"])).keys).to.deep.equal(shown);
  });
});

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import hre from "hardhat";
import type { Deployment, VerifiedStep } from "../../sdk/src/index.js";
import { readQbftHeader } from "../../sdk/src/proof/qbft.js";
import { recordPath } from "../../tasks/deploy/record.js";

const { deployment, genesis, bundles } = JSON.parse(readFileSync("sdk/vectors/offline.json", "utf8")) as {
  deployment: Deployment;
  genesis: object;
  bundles: { header: `0x${string}`; frame: { index: number } }[];
};

describe("frame verify --offline", () => {
  let folder: string;
  let record: string;
  const file = (name: string) => join(folder, name);
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "tenon-offline-"));
    record = file("deployments");
    mkdirSync(record);
    writeFileSync(recordPath(record, deployment.chainId, deployment.genesisHash), JSON.stringify(deployment));
    writeFileSync(file("genesis.json"), JSON.stringify(genesis));
    writeFileSync(file("bundle.json"), JSON.stringify(bundles[1]));
  });
  after(() => rmSync(folder, { recursive: true }));

  /** What the task prints, and whether it ended well. */
  async function verify(options: Record<string, unknown>) {
    const { log, error } = console;
    const said: string[] = [];
    const keep = (text: unknown) => said.push(String(text));
    Object.assign(console, { log: keep, error: keep });
    try {
      const given = { file: file("bundle.json"), offline: true, record, ...options };
      await hre.tasks.getTask(["frame", "verify"]).run(given);
    } finally {
      Object.assign(console, { log, error });
    }
    const failed = process.exitCode === 1;
    process.exitCode = undefined;
    return { text: said.join("\n"), failed };
  }

  it("tells each step, and asks no node", async () => {
    const { text, failed } = await verify({ validators: file("genesis.json") });
    expect(failed).to.equal(false);
    const lines = text.split("\n");
    expect(lines.filter((line) => line.startsWith("✓ "))).to.have.length(13);
    expect(lines).to.include("The frame is proven.");
    expect(text).to.include("sealed by 3 of 4 validators").and.to.include("changed by votes since (2)");
    const { text: json } = await verify({ json: true });
    const { verified, steps } = JSON.parse(json) as { verified: boolean; steps: VerifiedStep[] };
    expect(verified).to.equal(true);
    expect(steps.map(({ name }) => name)).to.include.members(["validators", "seals", "device record"]);
  });

  it("takes validators by name", async () => {
    const { validators } = readQbftHeader(bundles[1]!.header);
    expect((await verify({ trustedValidators: validators.join(", ") })).failed).to.equal(false);
    const fewer = await verify({ trustedValidators: validators.slice(1).join(",") });
    expect(fewer.failed).to.equal(true);
    expect(fewer.text)
      .to.match(/^ProofInvalid: /)
      .and.to.include("step: validators");
    expect((await verify({ trustedValidators: "nobody" })).text).to.match(/^ValidatorsInvalid: /);
  });

  it("refuses a changed bundle with the step's name, and files that cannot be used", async () => {
    const { frame } = bundles[1]!;
    writeFileSync(
      file("bad.json"),
      JSON.stringify({ ...bundles[1], frame: { ...frame, index: frame.index + 1 } }),
    );
    const bad = await verify({ file: file("bad.json") });
    expect(bad.failed).to.equal(true);
    expect(bad.text)
      .to.match(/^ProofInvalid: /)
      .and.to.include("step: batch root");
    expect((await verify({ file: file("none.json") })).text).to.match(/^BundleUnreadable: /);
    expect((await verify({ validators: file("none.json") })).text).to.match(/^GenesisUnreadable: /);
    expect((await verify({ validators: file("bundle.json") })).text).to.match(/^GenesisInvalid: /);
    expect((await verify({ record: file("elsewhere") })).text).to.match(/^DeploymentMissing: /);
  });

  it("refuses options that have no part in it", async () => {
    for (const option of [{ rpc: true }, { trustedBlockHash: "0x12" }, { deviceKey: "key.pem" }]) {
      expect((await verify(option)).text).to.match(/^OptionUnused: /);
    }
    const online = await verify({ offline: false, validators: file("genesis.json") });
    expect(online.text)
      .to.match(/^OptionUnused: /)
      .and.to.include("--validators");
  });
});

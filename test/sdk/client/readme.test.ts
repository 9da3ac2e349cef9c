import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { network } from "hardhat";
import { checkDeployment, createTenon, loadDeployment, proofToJson } from "../../../sdk/src/index.js";
import { tenonOn } from "../../support/fixture.js";
import { anchorFrames, placeOf, TestDevice } from "../../support/proven-frames.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const text = readFileSync(join(root, "sdk/README.md"), "utf8");
const examples = [...text.matchAll(/\n## ([^\n]+)\n(?:(?!\n## )[\s\S])*?```ts\n([\s\S]*?)```/g)];

describe("the SDK's README", () => {
  const folder = mkdtempSync(join(tmpdir(), "tenon-readme-"));
  const scripts = join(root, "cache", `readme-${process.pid}`);
  const printed: Record<string, string> = {};
  let server: Awaited<ReturnType<typeof network.createServer>>;

  // The server is a process's chain of its own, so everything is deployed through its RPC address.
  before(async function () {
    this.timeout(120_000);
    server = await network.createServer("default", "127.0.0.1");
    const { address, port } = await server.listen();
    const url = `http://${address}:${port}`;
    const connection = await network.create({ network: "local", override: { url } });
    const { record, signers, ethers } = await tenonOn(connection);
    mkdirSync(join(folder, "deployments"));
    const file = `${record.chainId}-${record.genesisHash.slice(2, 10)}.json`;
    writeFileSync(join(folder, "deployments", file), JSON.stringify(record));

    const deployment = checkDeployment(record);
    const tenon = await createTenon({ signer: signers.oracle, deployment });
    const device = new TestDevice(deployment);
    const frames = [device.meter(1n), device.meter(2n)];
    const time = (await ethers.provider.getBlock("latest"))!.timestamp;
    const batch = await anchorFrames(tenon, frames, [device.head()], time);
    const proof = await tenon.telemetry.completeProof(placeOf(batch, 1));
    writeFileSync(join(folder, "proof.json"), proofToJson(proof));
    writeFileSync(join(folder, "block-hash.txt"), proof.block.hash);

    const offline = JSON.parse(readFileSync(join(root, "sdk/vectors/offline.json"), "utf8"));
    mkdirSync(join(folder, "besu"));
    // The vector's record is older than some contracts; its proofs do not touch them.
    const contracts = { ...record.contracts, ...offline.deployment.contracts };
    const older = JSON.stringify({ ...offline.deployment, contracts });
    writeFileSync(join(folder, "besu", "deployment.json"), older);
    writeFileSync(join(folder, "bundle.json"), JSON.stringify(offline.bundles[0]));

    mkdirSync(scripts, { recursive: true });
    const env = { ...process.env, TENON_LOCAL_RPC: url, TENON_FROM: signers.manufacturer.address };
    for (const [, title, code] of examples) {
      writeFileSync(scriptOf(title!), code!);
      printed[title!] = await run(["--import", import.meta.resolve("tsx"), scriptOf(title!)], env);
    }
    await connection.close();
  });
  after(async () => {
    await server.close();
    for (const path of [folder, scripts]) rmSync(path, { recursive: true, force: true });
  });

  const scriptOf = (title: string) => join(scripts, `${title.replace(/[^a-z]+/gi, "-")}.ts`);

  /** Runs Node in the folder of the record; answers what it printed. */
  async function run(args: string[], env: NodeJS.ProcessEnv): Promise<string> {
    const child = spawn(process.execPath, args, { cwd: folder, env });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
    const status = await new Promise((resolve) => child.once("close", resolve));
    expect(status, output).to.equal(0);
    return output;
  }

  it("runs each example as printed", () => {
    expect(Object.keys(printed)).to.deep.equal([
      "Connect and read",
      "Several nodes",
      "Write: lazy operations",
      "Organisations, and acts by signature",
      "Errors",
      "DIDs",
      "Proofs",
      "Without a node",
      "With viem",
    ]);
    expect(printed["Connect and read"]).to.match(/next: 1,\s+size: 2n/);
    expect(printed["Several nodes"]).to.match(/state: 'good'[\s\S]*\n\d+ logs up to block \d+\n/);
    expect(printed["Write: lazy operations"]).to.match(
      /gas \d{5}n.*\nregistered 0x[0-9a-f]{64} in block \d+\nActive/,
    );
    expect(printed["Organisations, and acts by signature"]).to.match(
      /1 Active [\s\S]*grant the account this role\.\n[\s\S]*countersign[\s\S]*done for 0x[0-9a-fA-F]{40}/,
    );
    expect(printed.Errors).to.match(/^DeviceUnknown/);
    expect(printed.DIDs).to.match(/^did:tenon:31337:org:2 [\s\S]*status: 'Active'/);
    expect(printed.Proofs).to.match(/^deployment: [\s\S]*\nbatch root: leaf 0x[\s\S]*\nblock: number \d+/);
    expect(printed["Without a node"]).to.match(/^deployment: [\s\S]*\nseals: block [\s\S]*\nanchor record: /);
    expect(printed["With viem"]).to.match(/^0x[0-9a-fA-F]{40} 1 2\n0 0x[0-9a-f]{64}/);
  });

  it("has examples that pass the type check as strictly as the project does", async () => {
    const config = { extends: join(root, "tsconfig.json"), include: ["*.ts"] };
    writeFileSync(join(scripts, "tsconfig.json"), JSON.stringify(config));
    await run([join(root, "node_modules/typescript/bin/tsc"), "-p", scripts], process.env);
  });

  it("loads the only record of a folder, and refuses none, several, or a broken one", () => {
    const records = join(folder, "deployments");
    expect(loadDeployment(records).version).to.equal(1);
    const code = (path: string) => {
      try {
        return loadDeployment(path).version;
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    expect(code(join(folder, "absent"))).to.equal("DeploymentUnreadable");
    expect(code(folder)).to.equal("DeploymentUnreadable");
    writeFileSync(join(records, "1-00000000.json"), "{}");
    expect(code(records)).to.equal("DeploymentAmbiguous");
    expect(code(join(records, "1-00000000.json"))).to.equal("DeploymentInvalid");
  });
});

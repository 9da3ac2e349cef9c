import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { getAddress } from "ethers";
import { layout, ownNodes } from "../../../besu-network/bundle/manifest.js";
import { proofToJson } from "../../../sdk/src/index.js";
import { blockAt } from "../../../sdk/src/proof/changes.js";
import { readQbftHeader, sealedHeader } from "../../../sdk/src/proof/qbft.js";
import { besuOf, type ChainAccess } from "../../scenarios/support/chain.js";
import { type Consortium, startConsortium } from "../../scenarios/support/consortium.js";
import { taskRunner } from "../../scenarios/support/task.js";
import { anchorFrames, placeOf, TestDevice } from "../../support/proven-frames.js";
import { seen } from "../seen.js";
import { call } from "./support/chain.js";
import { spoken, startNetwork, type TestNetwork, until } from "./support/network.js";

describe("a frame proven without a node", function () {
  this.timeout(400_000);
  let network: TestNetwork;
  let consortium: Consortium;
  let device: TestDevice;

  before(async () => {
    network = await startNetwork();
    consortium = await startConsortium(network.folder, besuOf(network.bundle.dir));
    device = new TestDevice(consortium.deployment);
    const maker = await consortium.tenonOf("manufacturer");
    const registration = maker.devices.registration({
      owner: 2,
      deadline: Math.floor(Date.now() / 1000) + 600,
    });
    const proof = device.signer.signRegistration(registration);
    await maker.devices.register(device.signer.key, registration, proof).wait();
  });
  after(async () => {
    consortium?.provider.destroy();
    await network?.end();
  });

  const file = (name: string) => join(network.folder, name);
  const task = (args: string[]) =>
    taskRunner(consortium as unknown as ChainAccess, file("deployments"))(consortium.people.stranger, args);
  const genesis = () => ["--validators", join(network.bundle.dir, layout.genesis)];

  /** Anchors a frame; answers its proof and the header of its block. */
  async function anchored() {
    const oracle = await consortium.tenonOf("oracle");
    const { timestamp } = (await consortium.provider.getBlock("latest"))!;
    const batch = await anchorFrames(
      oracle,
      [device.meter(1n), device.meter(2n)],
      [device.head()],
      timestamp,
    );
    const proof = await oracle.telemetry.completeProof(placeOf(batch, 1));
    const block = await blockAt(consortium.provider, proof.block.number);
    return { proof, header: readQbftHeader(sealedHeader(block)) };
  }

  /** Makes a bundle with the task, named by what it shows. */
  async function bundled(name: string, proof: Parameters<typeof proofToJson>[0]) {
    writeFileSync(file(`${name}-proof.json`), proofToJson(proof));
    const made = await task([
      "frame",
      "bundle",
      file(`${name}-proof.json`),
      "--out",
      file(`${name}.json`),
      ...genesis(),
    ]);
    seen(`${name}: ${made.bytes} bytes; ${detailOf(made, "seals")}`);
    return made;
  }

  it("is bundled while one validator is dead, from a block that took more than one round", async () => {
    await network.runner.kill("validator2");
    let last = await anchored();
    for (let i = 0; i < 12 && last.header.round === 0; i++) last = await anchored();
    expect(last.header.round).to.be.greaterThan(0);
    await bundled("round", last.proof);
    await network.runner.start(["validator2"]);
  });

  it("is bundled after the validators voted another node in and one of them out", async () => {
    const validators = async () => (await blockAtHead()).validators;
    const before = await validators();
    const joiner = ownNodes(network.bundle).find(({ role }) => role === "rpc")!.address;
    const leaver = before.find((address) => address !== before[0])!;
    for (const [address, joins] of [
      [joiner, true],
      [leaver, false],
    ] as const) {
      const voters = ["validator1", "validator2", "validator3", "validator4"];
      const took = await until("the votes count", 120_000, async () => {
        // A vote lasts until it is withdrawn; a node that is not up again yet takes it later.
        for (const node of voters)
          await call(network.bundle, node, "qbft_proposeValidatorVote", [address, joins]).catch(() => 0);
        return (await validators()).some((one) => getAddress(one) === getAddress(address)) === joins;
      });
      for (const node of voters) await call(network.bundle, node, "qbft_discardValidatorVote", [address]);
      seen(`voted ${joins ? "in" : "out"} after ${spoken(took)}`);
    }
    const { proof, header } = await anchored();
    const expected = [...before.filter((address) => address !== leaver), joiner].map((one) =>
      getAddress(one),
    );
    expect(header.validators.map((one) => getAddress(one))).to.have.members(expected);
    const made = await bundled("voted", proof);
    expect(detailOf(made, "validators")).to.include("changed by votes since (2)");
  });

  it("holds when all nodes are gone, and is refused when one byte is another", async () => {
    await network.runner.stop();
    for (const { name } of ownNodes(network.bundle)) {
      await call(network.bundle, name, "eth_blockNumber").then(
        () => expect.fail(`${name} still answers`),
        () => undefined,
      );
    }
    for (const name of ["round", "voted"]) {
      const verified = await task(["frame", "verify", "--offline", file(`${name}.json`), ...genesis()]);
      expect(verified.verified).to.equal(true);
      const bundle = JSON.parse(readFileSync(file(`${name}.json`), "utf8")) as { header: string };
      const header = bundle.header.replace(/.$/, (digit) => (digit === "0" ? "1" : "0"));
      writeFileSync(file("bad.json"), JSON.stringify({ ...bundle, header }));
      const said = await task(["frame", "verify", "--offline", file("bad.json"), ...genesis()]).then(
        () => "it was taken",
        ({ stderr = "" }: { stderr?: string }) => stderr,
      );
      expect(said)
        .to.match(/^ProofInvalid: /m)
        .and.to.include("step: seals");
    }
  });

  it("is kept as vectors for the tests that need no network, when TENON_VECTORS names a file", function () {
    const target = process.env.TENON_VECTORS;
    if (target === undefined) return this.skip();
    const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));
    const { version, chainId, genesisHash, deployedAtBlock, contracts } = read(consortium.record);
    const entries = Object.entries<Record<string, unknown>>(contracts).map(([name, contract]) => {
      const { address, block, runtimeCodeHash } = contract;
      return [name, { address, block, runtimeCodeHash }];
    });
    const deployment = {
      version,
      chainId,
      genesisHash,
      deployedAtBlock,
      contracts: Object.fromEntries(entries),
    };
    const description =
      "Two offline bundles of one network (docs/offline.md): in force the genesis block's validators, the block made " +
      "in a later round; then after one node was voted in and a validator out. deployment: the verifier's own record; genesis: the " +
      "network's genesis file.";
    const genesisFile = read(join(network.bundle.dir, layout.genesis));
    const bundles = ["round", "voted"].map((name) => read(file(`${name}.json`)));
    writeFileSync(
      target,
      `${JSON.stringify({ description, deployment, genesis: genesisFile, bundles }, null, 2)}\n`,
    );
  });

  async function blockAtHead() {
    const head = BigInt(await consortium.provider.getBlockNumber());
    return readQbftHeader(sealedHeader(await blockAt(consortium.provider, head)));
  }
});

function detailOf(answer: Record<string, unknown>, step: string): string {
  const steps = answer.steps as { name: string; detail: string }[];
  return steps.find(({ name }) => name === step)!.detail;
}

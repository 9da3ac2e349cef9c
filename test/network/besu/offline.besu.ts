import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
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

  it("is bundled after the validators voted one of them out", async () => {
    const validators = async () => (await blockAtHead()).validators;
    const before = await validators();
    const leaver = before.find((address) => address !== before[0])!;
    const voters = ["validator1", "validator2", "validator3", "validator4"];
    const took = await until("a validator is voted out", 120_000, async () => {
      // A vote lasts until it is withdrawn; a node that is not up again yet takes it later.
      for (const node of voters)
        await call(network.bundle, node, "qbft_proposeValidatorVote", [leaver, false]).catch(() => 0);
      return (await validators()).length === 3;
    });
    for (const node of voters) await call(network.bundle, node, "qbft_discardValidatorVote", [leaver]);
    seen(`voted out after ${spoken(took)}`);
    const { proof, header } = await anchored();
    expect(header.validators).to.have.members(before.filter((address) => address !== leaver));
    const made = await bundled("voted", proof);
    expect(detailOf(made, "validators")).to.include("changed by votes since (1)");
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

  async function blockAtHead() {
    const head = BigInt(await consortium.provider.getBlockNumber());
    return readQbftHeader(sealedHeader(await blockAt(consortium.provider, head)));
  }
});

function detailOf(answer: Record<string, unknown>, step: string): string {
  const steps = answer.steps as { name: string; detail: string }[];
  return steps.find(({ name }) => name === step)!.detail;
}

import { readFileSync } from "node:fs";
import { expect } from "chai";
import { Wallet } from "ethers";
import {
  checkDeployment,
  createTenon,
  type Deployment,
  type Hex,
  ProofError,
  type ProofStep,
  TenonError,
} from "../../sdk/src/index.js";
import { offlineBundleFrom, proofToJson } from "../../sdk/src/proof/form.js";
import {
  buildOfflineBundle,
  type OfflineBundle,
  type OfflineTrust,
  verifyOffline,
} from "../../sdk/src/proof/offline.js";
import { readQbftHeader } from "../../sdk/src/proof/qbft.js";
import { newTenon } from "../support/fixture.js";
import { anchorFrames, placeOf, TestDevice } from "../support/proven-frames.js";
import { Random, testSeed } from "../support/random.js";
import { refusal } from "../support/refusal.js";
import { type Json, leaves, tampered } from "../support/tampering.js";

interface Vectors {
  deployment: Deployment;
  genesis: { config: { chainId: number; qbft: object }; extraData: string };
  bundles: [Json, Json];
}
const { deployment, genesis, bundles } = JSON.parse(
  readFileSync("sdk/vectors/offline.json", "utf8"),
) as Vectors;
const trust: OfflineTrust = { deployment };
const [early, late] = bundles.map((bundle) => offlineBundleFrom(bundle)) as [OfflineBundle, OfflineBundle];

function failedStep(bundle: unknown, given: OfflineTrust = trust): ProofStep | "held" {
  try {
    verifyOffline(bundle, given);
  } catch (error) {
    if (error instanceof ProofError) return error.step;
    throw error;
  }
  return "held";
}

describe("offline bundles of a real network", () => {
  it("prove a frame link by link, from the genesis hash in the deployment record alone", () => {
    const steps = verifyOffline(bundles[0], trust);
    expect(steps.map(({ name }) => name)).to.deep.equal([
      "deployment",
      "validators",
      "seals",
      "frame",
      "device signature",
      "batch root",
      "contract",
      "receipt",
      "block",
      "contract code",
      "device record",
      "contract code",
      "anchor record",
    ]);
    const detail = (name: ProofStep) => steps.find((step) => step.name === name)!.detail;
    expect(detail("validators")).to.include(deployment.genesisHash);
    expect(detail("seals")).to.include("3 of 4 validators");
    expect(detail("device record")).to.include("Active, epoch 1");
    expect(verifyOffline(JSON.stringify(bundles[0]), trust)).to.deep.equal(steps);
    expect(offlineBundleFrom(proofToJson(early))).to.deep.equal(early);
  });

  it("follow the validators through the votes that changed them", () => {
    const step = verifyOffline(bundles[1], trust).find(({ name }) => name === "validators")!;
    expect(step.detail).to.include("changed by votes since (2)");
    const first = readQbftHeader(late.genesis).validators;
    expect(readQbftHeader(late.header).validators).to.not.have.members(first);
    expect(failedStep({ ...late, changes: [] })).to.equal("seals");
    expect(failedStep({ ...late, changes: late.changes.slice(0, 1) })).to.equal("seals");
    expect(failedStep({ ...late, changes: late.changes.slice(1) })).to.equal("validators");
    expect(failedStep({ ...late, changes: [...late.changes].reverse() })).to.equal("validators");
    expect(failedStep({ ...late, changes: [...late.changes, []] })).to.equal("validators");
    // The validators changed after the block: those before it seal it.
    expect(failedStep({ ...early, changes: late.changes })).to.equal("held");
  });

  it("hold with the genesis file, and with no file of another chain", () => {
    expect(failedStep(late, { ...trust, genesis })).to.equal("held");
    const upper = {
      EXTRADATA: genesis.extraData.toUpperCase().replace("0X", "0x"),
      Config: { chainID: deployment.chainId },
    };
    expect(failedStep(late, { ...trust, genesis: upper }), "keys in any case").to.equal("held");
    const other = { ...genesis, config: { ...genesis.config, chainId: 1 } };
    expect(failedStep(late, { ...trust, genesis: other })).to.equal("validators");
    const set = { ...genesis, extraData: genesis.extraData.replace("94", "93") };
    expect(failedStep(late, { ...trust, genesis: set })).to.equal("validators");
    const voted = readQbftHeader(late.changes[0]!.at(-1)!);
    const qbft = { epochlength: Number(voted.number) };
    const epochs = { ...genesis, config: { ...genesis.config, qbft } };
    expect(failedStep(late, { ...trust, genesis: epochs }), "votes forgotten on the way").to.equal(
      "validators",
    );
    for (const none of [
      {},
      7,
      null,
      { ...genesis, extraData: 5 },
      { ...genesis, config: { chainId: "1" } },
    ]) {
      expect(() => verifyOffline(late, { ...trust, genesis: none }))
        .to.throw(TenonError)
        .with.property("code", "GenesisInvalid");
    }
  });

  it("hold with validators that the verifier names, and with no others", () => {
    const { validators } = readQbftHeader(late.header);
    expect(failedStep(late, { ...trust, validators })).to.equal("held");
    expect(failedStep({ ...late, changes: [] }, { ...trust, validators }), "no votes needed").to.equal(
      "held",
    );
    const others = [...validators.slice(1), Wallet.createRandom().address];
    expect(failedStep(late, { ...trust, validators: others })).to.equal("validators");
    expect(failedStep({ ...late, changes: [] }, { ...trust, validators: others })).to.equal("seals");
    expect(() => verifyOffline(late, { ...trust, validators: [] }))
      .to.throw(TenonError)
      .with.property("code", "ValidatorsInvalid");
  });

  it("are refused for another deployment, code or genesis block", () => {
    const given = (change: object, contract: object = {}) => {
      const AnchorLog = { ...deployment.contracts.AnchorLog, ...contract };
      const contracts = { ...deployment.contracts, AnchorLog };
      return { deployment: { ...deployment, contracts, ...change } as Deployment };
    };
    expect(failedStep(early, given({}))).to.equal("held");
    expect(failedStep(early, given({ chainId: 1 }))).to.equal("deployment");
    expect(failedStep(early, given({ genesisHash: `0x${"12".repeat(32)}` }))).to.equal("deployment");
    expect(failedStep(early, given({}, { address: Wallet.createRandom().address }))).to.equal("deployment");
    expect(failedStep(early, given({}, { runtimeCodeHash: `0x${"12".repeat(32)}` }))).to.equal(
      "contract code",
    );
    expect(failedStep({ ...early, genesis: early.header })).to.equal("validators");
    const foreign = { ...early.frame, genesisHash: `0x${"12".repeat(32)}` as Hex };
    expect(failedStep({ ...early, frame: foreign }, given({ genesisHash: foreign.genesisHash }))).to.equal(
      "validators",
    );
  });

  it("are refused with the link's name when a part is of another bundle", () => {
    const swapped = (part: keyof OfflineBundle) => failedStep({ ...late, [part]: early[part] });
    expect(swapped("frame")).to.equal("block");
    expect(swapped("header")).to.equal("block");
    expect(swapped("changes")).to.equal("seals");
    expect(swapped("device")).to.equal("contract code");
    expect(swapped("anchor")).to.equal("contract code");
    expect(failedStep({ ...late, device: late.anchor })).to.equal("contract code");
    const anchor = { ...late.anchor, slotPath: early.anchor.slotPath };
    expect(failedStep({ ...late, anchor })).to.equal("anchor record");
    const device = { ...late.device, slotPath: late.anchor.slotPath };
    expect(failedStep({ ...late, device })).to.equal("device record");
    const key = { ...late.deviceKey, curve: 8 };
    expect(failedStep({ ...late, deviceKey: key })).to.equal("device signature");
    const path = { ...late.frame, epochPath: [`0x${"12".repeat(32)}`] };
    expect(failedStep({ ...late, frame: path }), "nothing unchecked").to.equal("form");
  });

  it("are not made of blocks that nobody sealed", async () => {
    const { record, signers, ethers } = await newTenon();
    const here = checkDeployment(record);
    const tenon = await createTenon({ signer: signers.oracle, deployment: here });
    const device = new TestDevice(here);
    const { timestamp } = (await ethers.provider.getBlock("latest"))!;
    const batch = await anchorFrames(tenon, [device.meter(1n)], [device.head()], timestamp);
    const proof = await tenon.telemetry.completeProof(placeOf(batch, 0));
    const made = buildOfflineBundle(ethers.provider, proof, device.signer.key, { deployment: here });
    expect((await refusal(made)).code).to.equal("HeaderNotQbft");
    const gone = { ...proof, block: { ...proof.block, hash: `0x${"12".repeat(32)}` as Hex } };
    const lost = buildOfflineBundle(ethers.provider, gone, device.signer.key, { deployment: here });
    expect((await refusal(lost)).code).to.equal("BlockChanged");
  });

  const seed = testSeed();
  /** The links that a change in a part of the bundle may break. */
  const broken: Record<string, ProofStep[]> = {
    version: ["form"],
    frame: ["form", "deployment", "frame", "device signature", "batch root", "contract", "receipt", "block"],
    deviceKey: ["form", "device signature"],
    genesis: ["validators"],
    changes: ["validators", "seals"],
    header: ["seals", "validators"],
    device: ["contract code", "device record"],
    anchor: ["contract code", "anchor record"],
  };
  for (const [i, bundle] of bundles.entries()) {
    it(`name the link when any byte or number is changed: bundle ${i + 1} (seed ${seed})`, () => {
      const random = new Random(seed + i);
      for (const path of leaves(bundle)) {
        const times = path[0] === "header" || path[0] === "genesis" ? 20 : 3;
        for (let n = 0; n < times; n++) {
          const { proof, what } = tampered(bundle, path, random);
          expect(failedStep(proof), what).to.be.oneOf(broken[path[0] as string]!);
        }
      }
    });
  }

  it(`are refused when the file is cut or spoilt (seed ${seed})`, () => {
    const random = new Random(seed + 9);
    const text = JSON.stringify(bundles[0]);
    for (let i = 0; i < 300; i++) {
      const at = random.below(text.length);
      const spoilt = text.slice(0, at) + String.fromCharCode(32 + random.below(95)) + text.slice(at + 1);
      const step = failedStep(spoilt);
      // What still holds says the same: a digit in the other case, or the same character again.
      if (step === "held") expect(offlineBundleFrom(spoilt)).to.deep.equal(early);
      expect(failedStep(text.slice(0, at))).to.equal("form");
    }
    for (const nothing of ["", "{}", "null", "[]", undefined, 7, { version: 2 }]) {
      expect(failedStep(nothing)).to.equal("form");
    }
  });
});

import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { expect } from "chai";
import { Oracle } from "../../oracle/src/oracle.js";
import { verifyState } from "../../oracle/src/verify/verify.js";
import { fromHex, type Hex, toHex } from "../../sdk/src/bytes.js";
import type { DeviceSigner } from "../../sdk/src/device/index.js";
import {
  decodeFrame,
  encodeFrame,
  type FrameDomain,
  frameAad,
  meterPayload,
} from "../../sdk/src/frame/index.js";
import { AnchorLog__factory, Consortium__factory } from "../../sdk/src/generated/typechain/index.js";
import {
  createTenon,
  frameProofFrom,
  ProofError,
  verifyDeviceRange,
  verifyFrameProof,
} from "../../sdk/src/index.js";
import { encodeReject, rejectsTree } from "../../sdk/src/proof/rejects.js";
import { seen } from "../network/seen.js";
import { TestLogger } from "../oracle/support/chain.js";
import { refusal } from "../support/refusal.js";
import { UseAccount } from "./support/account.js";
import { brokers } from "./support/brokers.js";
import { chain, startOtherChain } from "./support/chain.js";
import { organisation } from "./support/consortium.js";
import { firstFrameOf, forgeriesOf, turned } from "./support/forgeries.js";
import { type Machine, METER, publish } from "./support/machine.js";
import type { OracleProcess } from "./support/oracle-process.js";
import { answer, type Plant, startPlant, until } from "./support/plant.js";
import { refusedByContract } from "./support/refused.js";

const PRICE = 37n; // fen a second
const MONEY = 1_000_000n; // fen
/** A deadline far enough for every registration here. */
const DEADLINE = 4_000_000_000n;

for (const kind of brokers) {
  describe(`the thread from a device's signature to money, over ${kind.name} and ${chain.name}`, function () {
    this.timeout(4 * chain.patienceMs);
    let plant: Plant;
    let oracle: OracleProcess;
    let loader: Machine;
    let crane: Machine;
    /** The only frame of the drill. */
    let drilled: Uint8Array;
    let account: UseAccount;
    /** The loader's meter frames, as the oracle proved them. */
    const meters: unknown[] = [];
    let broken = false;

    before(async function () {
      const missing = kind.missing();
      if (missing !== undefined) {
        seen(`skipped, because ${missing}`);
        this.skip();
      }
      plant = await startPlant(kind);
    });
    after(async () => {
      await oracle?.stop();
      await plant?.close();
    });
    // Each step goes on where the one before ended.
    beforeEach(function () {
      if (broken) this.skip();
    });
    afterEach(function () {
      broken ||= this.currentTest?.state === "failed";
    });

    const proofPath = (machine: Machine, seq: bigint) =>
      `/proof/frame?device=${machine.id}&epoch=1&seq=${seq}`;
    const statusAtOracle = async (machine: Machine) =>
      (await answer(oracle, `/devices/${machine.id}`)).record.status as string;
    /** All that refused input must leave as it is. */
    const state = async (device: Hex) => {
      const { heads, facts } = await answer(oracle, `/devices/${device}`);
      const frames = await plant.readLog((log) => log.nextFrame);
      return { heads, facts, frames, stream: await plant.tenon.telemetry.head(1) };
    };
    const rejectsFrom = (index: number) => plant.readLog((log) => [...log.rejects(index)]);
    const rejectCount = () => plant.readLog((log) => log.nextReject);

    it("begins with a sealed deployment: who made it has no power left", async () => {
      const { deployment, people, sealed } = plant;
      expect(sealed?.admin.delay).to.equal(86_400);
      const consortium = Consortium__factory.connect(
        deployment.contracts.Consortium.address,
        people.deployer,
      );
      const code = toHex(randomBytes(32));
      const error = await refusedByContract(consortium, "admit", [code, code], () =>
        consortium.orgOfCode(code),
      );
      expect(error.code).to.equal("AccessManagedUnauthorized");
      expect(error.args).to.deep.equal({ caller: people.deployer.address });
    });

    it("enrols machines with proofs by their own keys, and by nobody else's", async () => {
      const { devices } = await plant.tenonOf("manufacturer");
      const { loader: first, crane: second, drill, unregistered } = plant.signers;
      const registration = devices.registration({ owner: organisation.owner, deadline: DEADLINE });
      for (const signer of [first, second, drill]) {
        await devices.register(signer.key, registration, signer.signRegistration(registration)).wait();
        expect(await devices.get(signer.id)).to.include({ status: "Active", epoch: 1 });
      }
      const foreign = first.signRegistration(registration);
      const error = await refusal(devices.register(unregistered.key, registration, foreign).wait());
      expect(error.code).to.equal("DeviceProofInvalid");
      expect(await devices.get(unregistered.id)).to.equal(undefined);
    });

    it("takes a machine's frames and answers with the oracle's signed receipt", async () => {
      loader = plant.commission(plant.signers.loader);
      crane = plant.commission(plant.signers.crane);
      for (let i = 0; i < 20; i++) loader.measure(60 + i);
      crane.measure(40);
      expect([loader.pending, crane.pending], "kept on the machine").to.deep.equal([20, 1]);
      oracle = await plant.startOracle();
      await until("receipts for all", () => loader.pending + crane.pending === 0);
    });

    it("proves one reading with nothing but a block hash", async () => {
      const { deployment, blockHash } = plant;
      const proof = await answer(oracle, proofPath(loader, 7n));
      expect(proof.frame).to.equal(toHex(loader.frames[6]!));
      const trustedBlockHash = await blockHash(proof.block.number);
      const trust = { deployment, trustedBlockHash, deviceKey: loader.signer.key };
      expect(verifyFrameProof(proof, trust).map(({ name }) => name)).to.deep.equal([
        "deployment",
        "frame",
        "device signature",
        "batch root",
        "contract",
        "receipt",
        "block",
      ]);
      const another = { ...trust, trustedBlockHash: await blockHash(Number(proof.block.number) - 1) };
      expect(failedStep(() => verifyFrameProof(proof, another))).to.equal("block");
      const changed = { ...proof, frame: toHex(turned(loader.frames[6]!)) };
      expect(failedStep(() => verifyFrameProof(changed, trust))).to.equal("device signature");
    });

    it("proves that none of a machine's frames was left out", async () => {
      const { deployment, blockHash } = plant;
      const range = `/proof/device-range?device=${loader.id}&epoch=1&from=3&to=18`;
      const proof = await answer(oracle, range);
      const blocks = [proof.last.block.number, proof.head.block.number];
      const trustedBlockHash = await Promise.all(blocks.map(blockHash));
      const trust = { deployment, trustedBlockHash, deviceKey: loader.signer.key };
      expect(verifyDeviceRange(proof, trust).map(({ name }) => name)).to.include("device head");
      expect(proof.frames).to.deep.equal(loader.frames.slice(2, 18).map(toHex));
      const shortened = { ...proof, frames: proof.frames.toSpliced(5, 1) };
      expect(failedStep(() => verifyDeviceRange(shortened, trust))).to.equal("chain of frames");
    });

    it("pays the machine's owner for what the machine counted, to the fen", async () => {
      const { deployment, people } = plant;
      for (const seconds of [1_000n, 3_607n]) {
        meters.push(await answer(oracle, proofPath(loader, loader.run(seconds))));
      }
      const terms = { deployment, people, machine: loader.signer, price: PRICE, money: MONEY };
      account = await UseAccount.open({ ...terms, start: meters[0] });
      await account.settle(meters[0], meters[1]);
      const due = 3_607n * PRICE;
      const { owner, balance, held } = await account.state();
      expect({ owner, balance, held }).to.deep.equal({ owner: due, balance: MONEY - due, held: MONEY - due });
    });

    it("refuses to pay twice, backwards, and for what no oracle anchored", async () => {
      const [start, end] = meters.map((proof) => frameProofFrom(proof));
      const replay = await account.refusal(start, end);
      expect(replay.code).to.equal("StartRefused");
      const rollback = await account.refusal(end, start);
      expect(rollback.code).to.equal("FrameNotLater");
      expect(rollback.args).to.deep.equal({ id: 1n, from: 22n, to: 21n });
      // The machine's own key signs it, and still it counts for nothing: no oracle took it.
      const frame = meterAfter(fromHex(end!.frame), loader.signer, plant.domain);
      const unanchored = await account.refusal(end, { ...end, frame: toHex(frame) });
      expect(unanchored.code).to.equal("FrameNotInBatch");
    });

    it("goes on after a stop and after kill -9 of the oracle, and so does the payment", async () => {
      const { batches: before } = await answer(oracle, "/batches?limit=1000");
      loader.work();
      await until("frames are taken", () => loader.pending < loader.frames.length - 30);
      expect(await oracle.stop(), "exit code").to.equal(0);
      oracle = await plant.startOracle();
      const { next } = await plant.tenon.telemetry.head(1);
      await until("anchors go on", async () => (await plant.tenon.telemetry.head(1)).next > next);
      await oracle.kill();
      oracle = await plant.startOracle();
      loader.rest();
      meters.push(await answer(oracle, proofPath(loader, loader.run(1n))));
      await until("receipts for all", () => loader.pending === 0);
      const { batches: after } = await answer(oracle, "/batches?limit=1000");
      expect(after.slice(0, before.length)).to.deep.equal(before);
      await account.settle(meters[1], meters[2]);
      expect((await account.state()).owner).to.equal(3_608n * PRICE);
    });

    it("refuses what is no frame of a registered machine, and keeps it with its reason", async () => {
      const { broker, domain, signers } = plant;
      const { drill, unregistered } = signers;
      const genuine = firstFrameOf(drill, domain);
      drilled = genuine;
      await publish(broker, drill.id, [genuine]);
      await answer(oracle, `/proof/frame?device=${drill.id}&epoch=1&seq=1`);
      const [before, first] = [await state(drill.id), await rejectCount()];

      const forgeries = forgeriesOf(drill, domain, genuine, loader.frames[0]!);
      // The frame itself once more is neither refused nor taken twice.
      await publish(broker, drill.id, [genuine, ...forgeries.map(({ bytes }) => bytes)]);
      const stranger = {
        what: "a frame of a machine nobody registered",
        bytes: firstFrameOf(unregistered, domain),
        reason: "unknown-device",
      };
      await publish(broker, unregistered.id, [stranger.bytes]);
      const all = [...forgeries, stranger];
      await until("all are refused", async () => (await rejectCount()) >= first + all.length);
      const kept = await rejectsFrom(first);
      const named = kept.map(({ reason }, i) => [all[i]?.what, reason]);
      expect(named).to.deep.equal(all.map(({ what, reason }) => [what, reason]));
      expect(kept.map(({ raw }) => toHex(raw))).to.deep.equal(all.map(({ bytes }) => toHex(bytes)));
      expect(await state(drill.id)).to.deep.equal(before);

      // The next anchor commits to them, so that a refusal cannot be denied.
      const { anchor } = frameProofFrom(await answer(oracle, proofPath(loader, loader.measure(90))));
      const entries = kept.map(({ index, receivedAt, reason, source, raw }) =>
        encodeReject({
          index: BigInt(index),
          receivedAt: BigInt(receivedAt),
          reason,
          source,
          length: raw.length,
          hash: createHash("sha256").update(raw).digest(),
        }),
      );
      expect(anchor.rejectsRoot).to.equal(toHex(rejectsTree(entries).root));
    });

    it("takes nothing of a suspended machine, and all of it once it is resumed", async () => {
      const { devices } = await plant.tenonOf("owner");
      await devices.suspend(crane.id).wait();
      await refusesWhile("suspended");
      await devices.resume(crane.id).wait();
      await until("its journal is sent again", () => crane.pending === 0);
      const proof = await answer(oracle, proofPath(crane, 2n));
      expect(proof.frame).to.equal(toHex(crane.frames[1]!));
    });

    it("takes nothing of a revoked machine; what it proved before still holds", async () => {
      const { devices } = await plant.tenonOf("owner");
      await devices.revoke(crane.id).wait();
      await refusesWhile("revoked");
      await crane.close();
      const proof = await answer(oracle, proofPath(crane, 2n));
      const trustedBlockHash = await plant.blockHash(proof.block.number);
      const trust = { deployment: plant.deployment, trustedBlockHash, deviceKey: crane.signer.key };
      expect(verifyFrameProof(proof, trust).at(-1)?.name).to.equal("block");
    });

    /** The crane makes a frame; the oracle must refuse it for its status, and the machine keep it. */
    async function refusesWhile(status: "suspended" | "revoked"): Promise<void> {
      await until(
        `the oracle knows that it is ${status}`,
        async () => (await statusAtOracle(crane)) === status,
      );
      const [before, first] = [await state(crane.id), await rejectCount()];
      crane.measure(41);
      await until("it is refused", async () => (await rejectCount()) > first);
      for (const { reason, source, raw } of await rejectsFrom(first)) {
        expect({ reason, source, raw: toHex(raw) }).to.deep.equal({
          reason: status,
          source: crane.id.slice(2),
          raw: toHex(crane.frames.at(-1)!),
        });
      }
      expect(await state(crane.id)).to.deep.equal(before);
      expect(crane.pending, "kept on the machine").to.equal(1);
    }

    it("lets no second oracle sign with the same key", async () => {
      const head = await plant.tenon.telemetry.head(1);
      const second = { ...plant.config, state: join(plant.folder, "second") };
      const error = await refusal(Oracle.start(second, new TestLogger()));
      expect(error.code).to.equal("LeaseHeld");
      expect(await plant.tenon.telemetry.head(1)).to.deep.equal(head);
      expect(await answer(oracle, "/readyz")).to.deep.include({ ready: true, reasons: [] });
    });

    it("ends with every frame stored once, every batch anchored once, and every root rebuilt", async () => {
      const { config, deployment, provider } = plant;
      expect(await oracle.stop(), "exit code").to.equal(0);
      const logger = new TestLogger();
      const report = await verifyState({
        ...{ stateDir: config.state, deployment, stream: 1, logger },
        ...plant.settings,
      });
      expect(report.differences).to.deep.equal([]);

      const stored = await plant.readLog((log) =>
        [...log.frames(0, log.nextFrame)].map(({ raw }) => toHex(raw)),
      );
      const refused = crane.frames.at(-1);
      const made = [...loader.frames, ...crane.frames, drilled].filter((frame) => frame !== refused);
      expect(stored.toSorted()).to.deep.equal(made.map(toHex).toSorted());

      const log = AnchorLog__factory.connect(deployment.contracts.AnchorLog.address, provider);
      const anchors = (await log.queryFilter(log.filters.Anchored(1))).map(({ args }) => args);
      expect(anchors.map(({ batch }) => Number(batch))).to.deep.equal([...anchors.keys()]);
      expect(anchors.reduce((sum, { count }) => sum + Number(count), 0)).to.equal(stored.length);
    });

    it("takes no other chain for the record's, even one of the same id", async () => {
      const { config, deployment, folder } = plant;
      const other = await startOtherChain(deployment.chainId);
      try {
        const onOther = {
          ...config,
          state: join(folder, "third"),
          chain: { ...config.chain, ...other.settings },
        };
        const [byOracle, bySdk] = [
          await refusal(Oracle.start(onOther, new TestLogger())),
          await refusal(createTenon({ provider: other.provider, deployment })),
        ];
        const [expected, found] = [deployment.genesisHash, (await other.provider.getBlock(0))?.hash];
        for (const { code, args } of [byOracle, bySdk]) {
          expect(code).to.equal("GenesisMismatch");
          expect(args).to.include({ expected, found });
        }
        expect(await other.provider.getTransactionCount(plant.people.oracle.address)).to.equal(0);
      } finally {
        await other.close();
      }
    });
  });
}

/** The link of a proof that does not hold. */
function failedStep(verify: () => unknown): string {
  try {
    verify();
  } catch (error) {
    if (error instanceof ProofError) return error.step;
    throw error;
  }
  return "none";
}

/** A later meter frame with a fine counter, signed by the machine's key, that was never sent. */
function meterAfter(frame: Uint8Array, signer: DeviceSigner, domain: FrameDomain): Uint8Array {
  const { header } = decodeFrame(frame);
  const payload = meterPayload({ ...METER, value: 1_000_000n, time: 1_780_000_000n });
  return encodeFrame({ ...header, seq: header.seq + 1n }, payload, frameAad(domain), signer.sign);
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { anchorDataOf } from "../../oracle/src/chain/anchor-log.js";
import { Anchorer } from "../../oracle/src/chain/anchorer.js";
import type { ChainConnection } from "../../oracle/src/chain/connection.js";
import { SegmentLog } from "../../oracle/src/log/log.js";
import { FRAME } from "../../oracle/src/log/record.js";
import { Places } from "../../oracle/src/proofs/places.js";
import { ProofService } from "../../oracle/src/proofs/service.js";
import { leafHash } from "../../sdk/src/proof/merkle.js";
import { closeBatch, connect, emptyState, startChain, type TestChain, TestLogger } from "./support/chain.js";

const EPOCH = 1_024;

/** Proofs of batches of a sealed epoch, through the contract that sealed it. */
describe("epoch proofs of the oracle", function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), "tenon-epoch-"));
  const db = emptyState();
  let chain: TestChain;
  let connection: ChainConnection;
  let log: SegmentLog;
  let proofs: ProofService;

  before(async () => {
    chain = await startChain();
    log = await SegmentLog.open(folder);
    await anchorMany(EPOCH + 2);
    connection = await connect(chain);
    const { signer, stream } = chain;
    const places = new Places(db);
    const anchorer = new Anchorer({ chain: connection, db, signer, stream, logger: new TestLogger() });
    await anchorer.reconcile();
    const directory = { get: () => undefined };
    proofs = new ProofService({ places, directory, log, chain: connection, stream });
  });
  after(async () => {
    await log.close();
    await connection.stop();
    await chain.rpc.close();
    db.close();
    rmSync(folder, { recursive: true });
  });

  /** One frame a batch, anchored by the stream's key as another copy of the state would have. */
  async function anchorMany(count: number): Promise<void> {
    const { timestamp } = (await chain.ethers.provider.getBlock("latest"))!;
    const places = new Places(db);
    const wallet = chain.wallet.connect(chain.ethers.provider as never);
    for (let i = 0; i < count; i++) {
      const raw = new Uint8Array(Buffer.from(`frame ${i}`));
      await log.append([
        { type: FRAME, index: i, receivedAt: timestamp * 1_000, lane: "telemetry", source: "", raw },
      ]);
      closeBatch(db, timestamp, 1);
      db.prepare("UPDATE batches SET frames_root = ? WHERE batch = ?").run(leafHash(raw), i);
      const { stream, ...anchor } = anchorDataOf(chain.stream, places.batch(i)!);
      const data = chain.log.interface.encodeFunctionData("anchor", [stream, anchor]);
      const to = await chain.log.getAddress();
      await wallet.sendTransaction({ to, data, nonce: i, gasLimit: 4_000_000n, gasPrice: 0n, type: 0 });
    }
  }

  const requireAnchored = async (index: number) => {
    const { anchor, epochPath } = await proofs.byIndex(index);
    const { stream, ...rest } = anchor;
    await chain.log.requireAnchored(stream, rest, [...epochPath]);
    return epochPath;
  };

  it("gives the path under the epoch root, which the contract accepts for ever", async () => {
    for (const index of [0, 1, 511, EPOCH - 1]) {
      expect(await requireAnchored(index), `batch ${index}`).to.have.length(10);
    }
  });

  it("gives no path while the epoch is open: the contract still has the batch itself", async () => {
    expect(await requireAnchored(EPOCH)).to.have.length(0);
    expect(await requireAnchored(EPOCH + 1)).to.have.length(0);
  });
});

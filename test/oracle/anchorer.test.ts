import type { DatabaseSync } from "node:sqlite";
import { expect } from "chai";
import { AnchorLogReader, anchorDataOf, differences } from "../../oracle/src/chain/anchor-log.js";
import { Anchorer } from "../../oracle/src/chain/anchorer.js";
import type { ChainConnection } from "../../oracle/src/chain/connection.js";
import { IntentStore } from "../../oracle/src/chain/intents.js";
import { grant, Role } from "../support/consortium.js";
import { failure } from "../support/failure.js";
import { NoAnswer } from "../support/rpc-server.js";
import {
  closeBatch,
  connect,
  emptyState,
  intentsOf,
  startChain,
  type TestChain,
  TestLogger,
  until,
} from "./support/chain.js";

describe("anchorer", () => {
  let chain: TestChain;
  let connection: ChainConnection;
  let db: DatabaseSync;
  let anchorer: Anchorer;

  const now = async () => (await chain.ethers.provider.getBlock("latest"))!.timestamp;
  const close = async (count?: number) => closeBatch(db, await now(), count);
  const make = (state = db) =>
    new Anchorer({
      chain: connection,
      db: state,
      signer: chain.signer,
      stream: chain.stream,
      logger: new TestLogger(),
      pollMs: 10,
      resendMs: 50,
    });
  const start = async () => {
    await anchorer.reconcile();
    anchorer.start();
  };
  const anchored = (batch: number) =>
    until(() => anchorer.status.anchored === batch, `batch ${batch} is anchored`);
  const halted = () => until(() => anchorer.status.phase === "halted", "anchoring halted");

  beforeEach(async () => {
    chain = await startChain();
    connection = await connect(chain);
    connection.start();
    db = emptyState();
    anchorer = make();
  });

  afterEach(async () => {
    await anchorer.stop();
    await connection.stop();
    await chain.rpc.close();
    await requireInvariants(chain, db);
    db.close();
  });

  it("anchors closed batches in order, with one transaction each", async () => {
    for (let i = 0; i < 3; i++) await close(i + 1);
    await start();
    await anchored(2);
    expect(intentsOf(db).map(({ batch, nonce, state }) => ({ batch, nonce, state }))).to.deep.equal([
      { batch: 0, nonce: 0, state: "mined" },
      { batch: 1, nonce: 1, state: "mined" },
      { batch: 2, nonce: 2, state: "mined" },
    ]);
    expect(anchorer.status.anchoredFrames).to.equal(6);
    expect(anchorer.waiting).to.equal(false);
  });

  it("takes a time-out as unknown: sent, mined, no answer, and still one transaction", async () => {
    chain.rpc.fault = async ({ method }, forward) => {
      const answer = await forward();
      if (method === "eth_sendRawTransaction") throw new NoAnswer();
      return answer;
    };
    await close();
    await start();
    await anchored(0);
    expect(intentsOf(db)).to.have.length(1);
    expect(await chain.ethers.provider.getTransactionCount(chain.signer.address)).to.equal(1);
  });

  it("sends the same bytes again while the transaction is lost", async () => {
    let lost = 3;
    const sent: unknown[] = [];
    chain.rpc.fault = async ({ method, params }, forward) => {
      if (method !== "eth_sendRawTransaction") return forward();
      sent.push(params[0]);
      if (lost-- > 0) throw new NoAnswer();
      return forward();
    };
    await close();
    await start();
    await anchored(0);
    expect(sent.length).to.be.greaterThan(3);
    expect(new Set(sent).size).to.equal(1);
  });

  it("settles an intent that was stored and never sent", async () => {
    await close();
    chain.rpc.fault = async ({ method }, forward) => {
      if (method === "eth_sendRawTransaction") throw new NoAnswer();
      return forward();
    };
    await start();
    await until(() => intentsOf(db).length === 1, "the intent is stored");
    await anchorer.stop();
    chain.rpc.fault = undefined;

    anchorer = make();
    await start();
    await anchored(0);
    expect(intentsOf(db).map(({ state }) => state)).to.deep.equal(["mined"]);
  });

  it("settles an intent that was mined while nobody looked", async () => {
    await close();
    chain.rpc.fault = async ({ method }, forward) => {
      const answer = await forward();
      if (method === "eth_getTransactionReceipt") return null;
      return answer;
    };
    await start();
    await until(async () => (await chain.log.head(chain.stream)).next === 1n, "it is mined");
    await anchorer.stop();
    chain.rpc.fault = undefined;

    anchorer = make();
    await start();
    await anchored(0);
    expect(intentsOf(db).map(({ state }) => state)).to.deep.equal(["mined"]);
  });

  it("signs anew only when the nonce was used by another transaction, and records the replacement", async () => {
    await close();
    chain.rpc.fault = async ({ method }, forward) => {
      if (method === "eth_sendRawTransaction") throw new NoAnswer();
      return forward();
    };
    await start();
    await until(() => intentsOf(db).length === 1, "the intent is stored");
    const wallet = chain.wallet.connect(chain.ethers.provider as never);
    await (
      await wallet.sendTransaction({ to: chain.wallet.address, gasPrice: 0n, type: 0, nonce: 0 })
    ).wait();
    chain.rpc.fault = undefined;
    await anchored(0);
    expect(intentsOf(db).map(({ nonce, state }) => ({ nonce, state }))).to.deep.equal([
      { nonce: 0, state: "replaced" },
      { nonce: 1, state: "mined" },
    ]);
  });

  it("waits when the role has expired, says so, and goes on when it is renewed", async () => {
    await chain.networkHelpers.time.increase(31 * 86_400);
    await close();
    await start();
    await until(() => anchorer.status.phase === "paused", "it pauses");
    expect(anchorer.status.reason?.code).to.equal("AnchorRoleExpired");
    expect(intentsOf(db)).to.deep.equal([]);

    await chain.grantAnchorRole(30n);
    await anchored(0);
  });

  it("waits while the local clock is ahead of the chain's", async () => {
    closeBatch(db, (await now()) + 500);
    await start();
    await until(() => anchorer.status.phase === "paused", "it pauses");
    expect(anchorer.status.reason?.code).to.equal("AnchorInFuture");
    await chain.networkHelpers.time.increase(500);
    await anchored(0);
  });

  /** Gives the stream to another key, with the role it needs. */
  const replaceKey = async () => {
    await grant(chain, chain.spare, Role.Anchor);
    await chain.log.connect(chain.registrar).setKey(chain.stream, chain.spare.address);
  };

  it("halts with the decoded reason when an anchor reverts in a block, and does not try again", async () => {
    chain.rpc.fault = async ({ method }, forward) => {
      // After the check and before the block: the one moment in which a refusal costs a nonce.
      if (method === "eth_sendRawTransaction") await replaceKey();
      return forward();
    };
    await close();
    await start();
    await halted();
    expect(anchorer.status.reason?.code).to.equal("AnchorReverted");
    expect(anchorer.status.reason?.args).to.include({ batch: 0, reason: "AnchorKeyRefused" });
    expect(intentsOf(db).map(({ state }) => state)).to.deep.equal(["reverted"]);
    expect(chain.rpc.count("eth_sendRawTransaction")).to.equal(1);
  });

  it("pauses, and does not halt, when the role ended between the check and the block", async () => {
    chain.rpc.fault = async ({ method }, forward) => {
      if (method === "eth_sendRawTransaction") await chain.networkHelpers.time.increase(31 * 86_400);
      return forward();
    };
    await close();
    await start();
    await until(() => anchorer.status.phase === "paused", "it pauses");
    expect(intentsOf(db).map(({ state }) => state)).to.deep.equal(["reverted"]);
    chain.rpc.fault = undefined;
    await chain.grantAnchorRole(30n);
    await anchored(0);
    expect(intentsOf(db).map(({ nonce, state }) => ({ nonce, state }))).to.deep.equal([
      { nonce: 0, state: "reverted" },
      { nonce: 1, state: "mined" },
    ]);
  });

  it("halts when the stream's key is replaced, and signs nothing", async () => {
    await start();
    await replaceKey();
    await close();
    await halted();
    expect(anchorer.status.reason?.code).to.equal("AnchorKeyRefused");
    expect(intentsOf(db)).to.deep.equal([]);
  });

  it("stores an intent for the last batch when it stops, and does not wait for a block", async () => {
    await start();
    await until(() => anchorer.status.phase === "idle", "nothing is left to do");
    await chain.provider.request({ method: "evm_setAutomine", params: [false] });
    await close();
    await anchorer.stop();
    expect(intentsOf(db).map(({ state }) => state)).to.deep.equal(["open"]);
    expect(chain.rpc.count("eth_sendRawTransaction")).to.equal(1);
    await chain.provider.request({ method: "evm_setAutomine", params: [true] });
  });

  it("refuses a state folder that is older than the chain", async () => {
    await close();
    await close();
    await start();
    await anchored(1);
    const old = emptyState();
    closeBatch(old, await now());
    const error = await failure(make(old).reconcile());
    expect(error.code).to.equal("StateBehindChain");
    expect(error.args).to.include({ anchored: 2, local: 1 });
    old.close();
  });

  it("refuses a state folder whose batches are not the anchored ones", async () => {
    await close();
    await start();
    await anchored(0);
    const other = emptyState();
    closeBatch(other, (await now()) - 5);
    const error = await failure(make(other).reconcile());
    expect(error.code).to.equal("AnchorsDiffer");
    expect(error.args.fields).to.deep.equal(["minTime", "maxTime"]);
    other.close();
  });

  it("takes over anchors that a lost copy of the intents made", async () => {
    const time = await now();
    closeBatch(db, time);
    await start();
    await anchored(0);
    const copy = emptyState();
    closeBatch(copy, time);
    const second = make(copy);
    await second.reconcile();
    expect(second.status.anchored).to.equal(0);
    expect(intentsOf(copy)).to.deep.equal(intentsOf(db));
    copy.close();
  });

  it("refuses another key's stream and an unknown one", async () => {
    const options = { chain: connection, db, signer: chain.signer, logger: new TestLogger() };
    expect((await failure(new Anchorer({ ...options, stream: 1 }).reconcile())).code).to.equal(
      "AnchorKeyRefused",
    );
    expect((await failure(new Anchorer({ ...options, stream: 9 }).reconcile())).code).to.equal(
      "StreamUnknown",
    );
  });

  it("goes on after the node was away", async () => {
    await start();
    chain.rpc.fault = async () => {
      throw new NoAnswer();
    };
    await close();
    anchorer.notify();
    await until(() => anchorer.status.nodeError !== undefined, "the failure is seen");
    chain.rpc.fault = undefined;
    await anchored(0);
    expect(anchorer.status.nodeError).to.equal(undefined);
  });
});

/** I3: what is anchored is contiguous and equals the local batches. I7: no nonce has two transactions of ours. */
async function requireInvariants(chain: TestChain, db: DatabaseSync): Promise<void> {
  const log = new AnchorLogReader(
    chain.ethers.provider,
    chain.deployment.contracts.AnchorLog.address as `0x${string}`,
    chain.stream,
  );
  const store = new IntentStore(db);
  const events = await log.anchored(0, await chain.ethers.provider.getBlockNumber());
  events.forEach(({ content }, i) => {
    expect(content.batch, "I3: contiguous").to.equal(i);
    expect(differences(content, anchorDataOf(chain.stream, store.batch(i)!)), "I3: equal").to.deep.equal([]);
  });
  const kept = intentsOf(db).filter(({ state }) => state !== "replaced");
  expect(new Set(kept.map(({ nonce }) => nonce)).size, "I7").to.equal(kept.length);
}

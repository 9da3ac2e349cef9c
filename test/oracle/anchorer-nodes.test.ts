import type { DatabaseSync } from "node:sqlite";
import { expect } from "chai";
import { Anchorer } from "../../oracle/src/chain/anchorer.js";
import type { ChainConnection } from "../../oracle/src/chain/connection.js";
import type { TenonError } from "../../sdk/src/errors.js";
import { Random, testSeed } from "../support/random.js";
import { NoAnswer, RpcServer } from "../support/rpc-server.js";
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

/** Exactly one transaction for a batch, whatever the nodes do: two nodes in front of one chain. */
describe("anchorer on nodes that fail", () => {
  let chain: TestChain;
  let second: RpcServer;
  let connection: ChainConnection;
  let db: DatabaseSync;
  let anchorer: Anchorer;

  beforeEach(async () => {
    chain = await startChain();
    second = await RpcServer.start(chain.provider as never);
    connection = await connect(chain, undefined, [chain.rpc.url, second.url]);
    connection.start();
    db = emptyState();
    anchorer = new Anchorer({
      chain: connection,
      db,
      signer: chain.signer,
      stream: chain.stream,
      logger: new TestLogger(),
      pollMs: 10,
      resendMs: 50,
    });
  });
  afterEach(async () => {
    await anchorer.stop();
    await connection.stop();
    await chain.rpc.close();
    await second.close();
    db.close();
  });

  const close = async () => closeBatch(db, (await chain.ethers.provider.getBlock("latest"))!.timestamp);
  const start = async () => {
    await anchorer.reconcile();
    anchorer.start();
  };
  const anchored = (batch: number) =>
    until(() => anchorer.status.anchored === batch, `batch ${batch} is anchored`);
  const sent = () =>
    [...chain.rpc.requests, ...second.requests]
      .filter(({ method }) => method === "eth_sendRawTransaction")
      .map(({ params }) => params[0]);
  /** One intent, one transaction, one event: whatever was sent, it was the same bytes. */
  const requireOnce = async (transactions = 1) => {
    expect(intentsOf(db).map(({ state }) => state)).to.deep.equal(Array(transactions).fill("mined"));
    expect(new Set(sent()).size).to.equal(transactions);
    expect(await chain.ethers.provider.getTransactionCount(chain.signer.address)).to.equal(transactions);
  };
  const automine = (on: boolean) => chain.provider.request({ method: "evm_setAutomine", params: [on] });

  it("sends the same bytes again when a node restarted and lost its pool", async () => {
    await automine(false);
    await close();
    await start();
    await until(() => sent().length > 0, "it is sent");
    const { hash } = anchorer.status.intent!;
    await until(
      async () => (await chain.ethers.provider.getTransaction(hash)) !== null,
      "it waits in the pool",
    );
    await chain.provider.request({ method: "hardhat_dropTransaction", params: [hash] });
    const before = sent().length;
    await until(() => sent().length > before, "it is sent again");
    await automine(true);
    await chain.networkHelpers.mine();
    await anchored(0);
    await requireOnce();
  });

  it("goes on with the other node when one falls in the middle of a sending", async () => {
    chain.rpc.fault = async ({ method }, forward) => {
      if (method !== "eth_sendRawTransaction") return forward();
      await forward(); // taken; then the node falls, and stays down
      chain.rpc.fault = async () => {
        throw new NoAnswer();
      };
      throw new NoAnswer();
    };
    await close();
    await start();
    await anchored(0);
    expect(connection.provider.current).to.equal(second.url);
    expect(second.count("eth_sendRawTransaction"), "the same bytes went to the other").to.equal(1);
    await requireOnce();
  });

  it("signs nothing on a node that is behind, and goes on when it has caught up", async () => {
    await close();
    await start();
    await anchored(0);
    const head = await chain.ethers.provider.getBlockNumber();
    second.fault = async () => {
      throw new NoAnswer();
    };
    chain.rpc.fault = async ({ method, params }, forward) => {
      // The node was put back by two blocks: the last anchor is not there.
      const old = `0x${(head - 2).toString(16)}`;
      if (method === "eth_blockNumber") return old;
      if (method === "eth_getBlockByNumber" && params[0] === "latest")
        return chain.provider.request({ method, params: [old, false] });
      if (method === "eth_getTransactionCount")
        return chain.provider.request({ method, params: [params[0], old] });
      return forward();
    };
    await close();
    anchorer.notify();
    await until(() => connection.lastError !== undefined, "it says why it waits");
    expect((connection.lastError as TenonError).code).to.equal("NodeBehind");
    expect(anchorer.status.phase).not.to.equal("halted");
    expect(intentsOf(db)).to.have.length(1);
    chain.rpc.fault = undefined;
    await anchored(1);
    await requireOnce(2);
  });

  it("waits while the nodes do initial sync, and anchors when one is through", async () => {
    const syncing = async () => {
      throw Object.assign(new Error("Initial sync is still in progress"), { code: -32_008 });
    };
    await start();
    chain.rpc.fault = second.fault = syncing;
    await close();
    anchorer.notify();
    await until(() => anchorer.status.nodeError !== undefined, "it says why it waits");
    expect(anchorer.status.nodeError).to.include("Initial sync");
    second.fault = undefined;
    await anchored(0);
    await requireOnce();
  });

  it("pauses, with words, while the account is not on the allowlist, and goes on when it is", async () => {
    chain.rpc.fault = second.fault = async ({ method }, forward) => {
      if (method !== "eth_sendRawTransaction") return forward();
      throw Object.assign(new Error("Sender account not authorized to send transactions"), { code: -32_007 });
    };
    await close();
    await start();
    await until(() => anchorer.status.phase === "paused", "it pauses");
    expect(anchorer.status.reason?.code).to.equal("AccountNotAllowed");
    expect(anchorer.status.reason?.remedy).to.include("allowlist");
    chain.rpc.fault = second.fault = undefined;
    await anchored(0);
    expect(anchorer.status.reason).to.equal(undefined);
    await requireOnce();
  });

  it("takes a block that was announced and is not there yet for what it is", async () => {
    const nulls = new Map<unknown, number>();
    chain.rpc.fault = async ({ method, params }, forward) => {
      if (method !== "eth_getBlockByNumber" || params[0] === "0x0") return forward();
      const seen = nulls.get(params[0]) ?? 0;
      nulls.set(params[0], seen + 1);
      return seen % 3 === 0 ? null : forward();
    };
    await start();
    for (let batch = 0; batch < 3; batch++) {
      await close();
      anchorer.notify();
      await anchored(batch);
    }
    expect(connection.halted).to.equal(undefined);
    await requireOnce(3);
  });

  const seed = testSeed();
  it(`anchors every batch once while the nodes fall and rise in turn (seed ${seed})`, async () => {
    await start();
    const random = new Random(seed);
    const faulty = (server: RpcServer) => {
      server.fault = async (_, forward) => {
        const dice = random.float();
        if (dice < 0.15) throw new NoAnswer();
        const answer = await forward();
        if (dice < 0.3) throw new NoAnswer(); // done, and the answer lost
        return answer;
      };
    };
    faulty(chain.rpc);
    faulty(second);
    for (let batch = 0; batch < 8; batch++) {
      await close();
      anchorer.notify();
      await anchored(batch);
    }
    chain.rpc.fault = second.fault = undefined;
    await requireOnce(8);
  });
});

import type { DatabaseSync } from "node:sqlite";
import { expect } from "chai";
import { network } from "hardhat";
import { ChainConnection } from "../../oracle/src/chain/connection.js";
import { knownBlock, RegistryDirectory } from "../../oracle/src/chain/directory.js";
import type { TenonError } from "../../sdk/src/errors.js";
import { register } from "../support/devices.js";
import { failure } from "../support/failure.js";
import { makeKey } from "../support/keys.js";
import { NoAnswer, RpcServer } from "../support/rpc-server.js";
import { connect, emptyState, startChain, type TestChain, TestLogger, until } from "./support/chain.js";

describe("chain connection", () => {
  let chain: TestChain;
  const open: ChainConnection[] = [];

  const opened = async (known?: Parameters<typeof connect>[1]) => {
    const connection = await connect(chain, known);
    open.push(connection);
    return connection;
  };
  const mine = () => chain.networkHelpers.mine();

  beforeEach(async () => {
    chain = await startChain();
  });
  afterEach(async () => {
    for (const connection of open.splice(0)) await connection.stop();
    await chain.rpc.close();
  });

  it("refuses another chain id and another genesis", async () => {
    const options = { rpc: chain.rpc.url, logger: new TestLogger() };
    const otherId = { ...chain.deployment, chainId: 4242 };
    expect((await failure(ChainConnection.connect({ ...options, deployment: otherId }))).code).to.equal(
      "ChainIdMismatch",
    );
    const otherGenesis = { ...chain.deployment, genesisHash: `0x${"ab".repeat(32)}` as const };
    const error = await failure(ChainConnection.connect({ ...options, deployment: otherGenesis }));
    expect(error.code).to.equal("GenesisMismatch");
    expect(error.args.found).to.equal(chain.deployment.genesisHash);
  });

  it("names a node that does not answer, without its password", async () => {
    const options = {
      rpc: "http://user:secret@127.0.0.1:1",
      deployment: chain.deployment,
      logger: new TestLogger(),
    };
    const error = await failure(ChainConnection.connect(options));
    expect(error.code).to.equal("ChainUnreachable");
    expect(error.message).not.to.include("secret");
  });

  it("does not follow a head that goes back: it waits, and goes on when the head is there again", async () => {
    await mine();
    const connection = await opened();
    const { head } = connection;
    chain.rpc.fault = async ({ method, params }, forward) => {
      if (method === "eth_blockNumber") return "0x1";
      return method === "eth_getBlockByNumber" && params[0] === "latest"
        ? chain.provider.request({ method, params: ["0x1", false] })
        : forward();
    };
    await connection.poll();
    expect((connection.lastError as TenonError).code).to.equal("NodeBehind");
    expect(connection.halted, "it may catch up").to.equal(undefined);
    expect(connection.head).to.equal(head);
    expect((await failure(connection.provider.getBalance(chain.wallet.address))).code).to.equal("NodeBehind");

    chain.rpc.fault = undefined;
    await mine();
    await connection.poll();
    expect(connection.lastError).to.equal(undefined);
    expect(connection.head.number).to.equal(head.number + 1);
  });

  it("halts for good when a chain that went back grows another way", async () => {
    const snapshot = await chain.networkHelpers.takeSnapshot();
    await mine();
    const connection = await opened();
    await snapshot.restore();
    await connection.poll();
    expect((connection.lastError as TenonError).code).to.equal("NodeBehind");
    await chain.networkHelpers.time.increase(100);
    await mine();
    await connection.poll();
    expect(connection.halted?.code).to.equal("ChainForked");
    expect(() => connection.requireSound()).to.throw("another block where a final one was seen");
    await connection.poll();
    expect(connection.halted, "a later good answer does not undo it").not.to.equal(undefined);
  });

  it("takes the next node when one is lost or behind, and names one on another chain", async () => {
    await mine();
    const second = await RpcServer.start(chain.provider as never);
    const other = await network.create({ network: "default", override: { initialDate: new Date(0) } });
    const wrong = await RpcServer.start(other.provider as never);
    try {
      const connection = await connect(chain, undefined, [chain.rpc.url, wrong.url, second.url]);
      open.push(connection);
      const { head } = connection;
      chain.rpc.fault = async () => {
        throw new NoAnswer();
      };
      await mine();
      await connection.poll();
      expect(connection.lastError).to.equal(undefined);
      expect(connection.head.number).to.equal(head.number + 1);
      const states = connection.nodes.map(({ state, reason }) => `${state} ${reason?.split(":")[0]}`);
      expect(states[1]).to.equal("refused GenesisMismatch");
      expect(states[2]).to.equal("good undefined");
    } finally {
      await second.close();
      await wrong.close();
    }
  });

  it("hears of a new head over WebSocket at once, and again after the socket was lost", async () => {
    const connection = await connect(chain, undefined, chain.rpc.wsUrl);
    open.push(connection);
    const heads: number[] = [];
    connection.onHead(async ({ number }) => void heads.push(number));
    connection.start();
    const { number } = connection.head;
    await mine();
    await until(() => heads.includes(number + 1), "the first head");
    chain.rpc.cutSockets();
    await mine();
    await until(() => heads.includes(number + 2), "the head after the loss");
    expect(connection.halted).to.equal(undefined);
  });

  it("halts when a block that was seen is another one", async () => {
    const snapshot = await chain.networkHelpers.takeSnapshot();
    await mine();
    const connection = await opened();
    await snapshot.restore();
    await chain.networkHelpers.time.increase(100); // mines a block of the same number with another time
    await mine();
    await connection.poll();
    expect(connection.halted?.code).to.equal("ChainForked");
  });

  it("does not halt for a node that is only silent, and asks who it is when it is back", async () => {
    const connection = await opened();
    chain.rpc.fault = async () => {
      throw new NoAnswer();
    };
    await connection.poll();
    expect(connection.halted).to.equal(undefined);
    expect((connection.lastError as TenonError).code).to.equal("ChainUnreachable");
    const head = connection.head;
    chain.rpc.fault = async ({ method, params }, forward) =>
      method === "eth_getBlockByNumber" && params[0] === "0x0"
        ? chain.provider.request({ method, params: ["0x1", false] })
        : forward();
    await connection.poll();
    expect(connection.halted?.code, "another node stands there now").to.equal("GenesisMismatch");
    expect(connection.head).to.equal(head);
  });

  it("refuses to start on a chain that lost the last run's block", async () => {
    const head = { number: 5_000, hash: `0x${"cd".repeat(32)}` as const };
    expect((await failure(opened(head))).code).to.equal("ChainWentBack");
    const forked = { number: 1, hash: `0x${"cd".repeat(32)}` as const };
    expect((await failure(opened(forked))).code).to.equal("ChainForked");
  });

  describe("device directory", () => {
    let db: DatabaseSync;
    beforeEach(() => {
      db = emptyState();
    });
    afterEach(() => db.close());

    it("knows devices registered before and after the start, and their status", async () => {
      const [first, second] = [makeKey(1), makeKey(8)];
      await register(chain, first, chain.buyerOrg);
      const connection = await opened();
      const directory = new RegistryDirectory(db, connection);
      connection.onHead((head) => directory.follow(head));
      await directory.follow(connection.head);
      const key = { curve: first.curve, x: first.x, y: first.y };
      expect(directory.get(first.id)).to.deep.include({ num: 1, key, status: "active", epoch: 1 });
      expect(directory.get(second.id)).to.equal(undefined);

      connection.start();
      await register(chain, second, chain.buyerOrg);
      await until(() => directory.get(second.id)?.num === 2, "the second device is known");
      const registry = chain.registry.connect(chain.authority);
      await registry.suspend(first.id);
      await until(() => directory.get(first.id)?.status === "suspended", "it is suspended");
      await registry.resume(first.id);
      await until(() => directory.get(first.id)?.status === "active", "it is active again");
      await registry.revoke(first.id);
      await until(() => directory.get(first.id)?.status === "revoked", "it is revoked");
    });

    it("starts again from its rows and the block they are true at", async () => {
      const [first, second] = [makeKey(1), makeKey(1)];
      await register(chain, first, chain.buyerOrg);
      const connection = await opened();
      await new RegistryDirectory(db, connection).follow(connection.head);
      expect(knownBlock(db)).to.deep.equal({ number: connection.head.number, hash: connection.head.hash });

      await chain.registry.connect(chain.authority).suspend(first.id);
      await register(chain, second, chain.buyerOrg);
      await connection.poll();
      chain.rpc.requests.length = 0;
      const again = new RegistryDirectory(db, connection);
      expect(again.get(first.id)?.status).to.equal("active");
      await again.follow(connection.head);
      expect(again.get(first.id)).to.deep.include({ num: 1, status: "suspended" });
      expect(again.get(second.id)).to.deep.include({ num: 2, status: "active" });
      expect(chain.rpc.count("eth_getLogs"), "only the new blocks").to.equal(1);
    });

    it("asks for shorter ranges when the node refuses long ones", async () => {
      const key = makeKey(1);
      await chain.networkHelpers.mine(40);
      await register(chain, key, chain.buyerOrg);
      await chain.networkHelpers.mine(40);
      chain.rpc.fault = async ({ method, params }, forward) => {
        const { fromBlock, toBlock } = (params[0] ?? {}) as { fromBlock: string; toBlock: string };
        if (method === "eth_getLogs" && Number(toBlock) - Number(fromBlock) > 9)
          throw new Error("range too long");
        return forward();
      };
      const connection = await opened();
      const directory = new RegistryDirectory(db, connection);
      await directory.follow(connection.head);
      expect(directory.get(key.id)?.status).to.equal("active");
    });
  });
});

import { createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { layout } from "../../../besu-network/bundle/manifest.js";
import { AnchorLogReader } from "../../../oracle/src/chain/anchor-log.js";
import { Anchorer } from "../../../oracle/src/chain/anchorer.js";
import { ChainConnection } from "../../../oracle/src/chain/connection.js";
import type { Hex } from "../../../sdk/src/bytes.js";
import { type ConnectOptions, connectRpc, type RpcConnection } from "../../../sdk/src/connection.js";
import { followLogs } from "../../../sdk/src/follow.js";
import { NonceLane } from "../../../sdk/src/lane.js";
import { closeBatch, emptyState, intentsOf, TestLogger } from "../../oracle/support/chain.js";
import { besuOf, newKey } from "../../scenarios/support/chain.js";
import { type Consortium, startConsortium } from "../../scenarios/support/consortium.js";
import { failure } from "../../support/failure.js";
import { seen } from "../seen.js";
import { namesOf, peersOf } from "./support/chain.js";
import { spoken, startNetwork, type TestNetwork, until } from "./support/network.js";

/** One validator is enough to make blocks; what is tried here are the nodes that clients talk to. */
const SHAPE = { validators: 1, rpcNodes: 2 };

describe("clients of a real network", function () {
  this.timeout(300_000);
  let network: TestNetwork;
  let consortium: Consortium;
  const open: RpcConnection[] = [];

  before(async () => {
    network = await startNetwork(SHAPE);
    consortium = await startConsortium(network.folder, besuOf(network.bundle.dir));
  });
  after(async () => {
    await consortium?.close();
    await network?.end();
  });
  // Each test meets a network that is whole.
  beforeEach(async () => {
    await network.runner.start();
    const [first, second] = [await connect({ urls: [http(0)] }), await connect({ urls: [http(1)] })];
    await until("both RPC nodes follow", 60_000, async () => {
      const [a, b] = await Promise.all([first.getBlockNumber(), second.getBlockNumber()]);
      return Math.abs(a - b) <= 1 && a > 1;
    });
    // One that hears of blocks through the other only would be cut off with it.
    const { bundle } = network;
    const peers = () => Promise.all(namesOf(bundle).map((node) => peersOf(bundle, node)));
    await until("every node has both others", 150_000, async () => (await peers()).every((n) => n === 2));
  });
  afterEach(() => {
    for (const connection of open.splice(0)) connection.destroy();
  });

  const entries = () => network.bundle.manifest.nodes.filter(({ role }) => role === "rpc");
  const http = (index: number) => `http://127.0.0.1:${entries()[index]!.ports.http}`;
  const ws = (index: number) => `ws://127.0.0.1:${entries()[index]!.ports.ws}`;
  const jwtKey = () => join(network.bundle.dir, layout.jwtKey);
  const connect = async (options: Partial<ConnectOptions> = {}) => {
    const { chainId, genesisHash } = network.bundle.manifest;
    const own = { urls: [http(0), http(1)], chainId, genesisHash, timeoutMs: 5_000, pollMs: 250 };
    const tokens = options.token === undefined && !("jwtKey" in options) ? { jwtKey: jwtKey() } : {};
    const connection = await connectRpc({ ...own, ...tokens, ...options });
    open.push(connection);
    return connection;
  };
  /** A token of this network's key that is good for so many seconds. */
  const tokenFor = (seconds: number) => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const exp = Math.floor(Date.now() / 1_000) + seconds;
    const content = `${part({ alg: "ES256", typ: "JWT" })}.${part({ exp, permissions: ["*:*"] })}`;
    const key = createPrivateKey(readFileSync(jwtKey()));
    const signature = sign("sha256", Buffer.from(content), { key, dsaEncoding: "ieee-p1363" });
    return `${content}.${signature.toString("base64url")}`;
  };

  for (const kind of ["http", "ws"] as const) {
    it(`${kind}: takes our token, and refuses none, a foreign and an expired one`, async () => {
      const urls = [kind === "http" ? http(0) : ws(0)];
      expect(await (await connect({ urls })).getBlockNumber()).to.be.greaterThan(0);
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const foreign = privateKey.export({ format: "pem", type: "pkcs8" }) as string;
      const refused: Partial<ConnectOptions>[] = [
        { jwtKey: undefined },
        { jwtKey: foreign },
        { token: tokenFor(-1) },
      ];
      for (const options of refused) {
        const error = await failure(connect({ urls, ...options }));
        expect(error.code).to.equal("NodeTokenRefused");
      }
    });

    it(`${kind}: goes on while tokens end and are renewed`, async () => {
      const urls = [kind === "http" ? http(0) : ws(0)];
      let given = 0;
      const token = () => {
        given++;
        return tokenFor(4); // asked for anew when a quarter of that is left
      };
      const connection = await connect({ urls, token });
      const end = Date.now() + 7_000;
      let answers = 0;
      for (; Date.now() < end; answers++) await connection.getBlockNumber();
      expect(given).to.be.within(3, 5);
      seen(`${answers} answers over ${given} tokens`);
    });
  }

  it("a node of another chain is named, and never used", async () => {
    const genesisHash = `0x${"ab".repeat(32)}`;
    const error = await failure(connect({ genesisHash }));
    expect(error.code).to.equal("GenesisMismatch");
    expect(error.args).to.include({ found: network.bundle.manifest.genesisHash });
  });

  it("an RPC node killed: reads go on with the other, and never fall behind what was read", async () => {
    const connection = await connect();
    let last = 0;
    let longest = 0;
    const read = async (until: number) => {
      while (Date.now() < until) {
        const begin = Date.now();
        const number = await connection.getBlockNumber();
        longest = Math.max(longest, Date.now() - begin);
        expect(number).to.be.at.least(last);
        last = number;
      }
    };
    await read(Date.now() + 1_000);
    await network.runner.kill("rpc1");
    await read(Date.now() + 3_000);
    expect(connection.current).to.equal(http(1));
    await network.runner.start();
    await until("rpc1 answers", 60_000, async () => (await connect({ urls: [http(0)] })) !== undefined);
    await network.runner.kill("rpc2");
    await read(Date.now() + 3_000);
    expect(connection.current).to.equal(http(0));
    seen(`the longest read over two kills took ${spoken(longest)}`);
  });

  it("logs over WebSocket have no gap while the node in use is killed, and killed again", async () => {
    const connection = await connect({ urls: [ws(0), ws(1)] });
    const { address } = consortium.deployment.contracts.AnchorLog;
    const blocks: number[] = [];
    const following = followLogs(connection, {
      filter: { address },
      fromBlock: 0,
      onLogs: (_, upTo) => void blocks.push(upTo),
    });
    const reach = (head: number) =>
      until(`followed to block ${head}`, 60_000, async () => (blocks.at(-1) ?? 0) >= head);
    await reach(await consortium.provider.getBlockNumber());
    await network.runner.kill("rpc1");
    await reach((blocks.at(-1) ?? 0) + 3);
    await network.runner.start();
    await until("rpc1 answers", 60_000, async () => (await connect({ urls: [ws(0)] })) !== undefined);
    await network.runner.kill("rpc2");
    await reach((blocks.at(-1) ?? 0) + 3);
    await following.stop();
    expect(blocks).to.deep.equal([...new Set(blocks)].sort((a, b) => a - b));
  });

  it("100 transactions sent at once from one key while a node is killed: each mined once, in order", async () => {
    const connection = await connect();
    const wallet = newKey();
    const { chainId } = network.bundle.manifest;
    const lane = NonceLane.of(connection, wallet.address);
    const send = () =>
      lane.send((nonce) =>
        wallet.signTransaction({
          ...{ type: 2, chainId, nonce, to: wallet.address, gasLimit: 21_000 },
          ...{ maxFeePerGas: 0n, maxPriorityFeePerGas: 0n },
        }),
      );
    const begin = Date.now();
    const all = Promise.all(
      Array.from({ length: 100 }, async () => {
        const sent = await send();
        return { nonce: sent.nonce, receipt: await sent.mined(120_000) };
      }),
    );
    await sleep(500);
    await network.runner.kill("rpc1"); // and with it what only its pool held
    const done = await all;
    expect(done.map(({ nonce }) => nonce)).to.deep.equal([...Array(100).keys()]);
    expect(done.every(({ receipt }) => receipt.status === 1)).to.equal(true);
    expect(await connection.getTransactionCount(wallet.address)).to.equal(100);
    seen(`all mined after ${spoken(Date.now() - begin)}`);
  });

  describe("an oracle's anchors", () => {
    let chain: ChainConnection;
    let anchorer: Anchorer;
    let db: DatabaseSync;

    before(() => {
      db = emptyState();
    });
    after(() => db.close());
    beforeEach(async () => {
      const { deployment, people } = consortium;
      const logger = new TestLogger();
      const rpc = [http(0), http(1)];
      chain = await ChainConnection.connect({ rpc, jwtKey: jwtKey(), deployment, logger, timeoutMs: 5_000 });
      const signer = {
        address: people.oracle.address.toLowerCase() as Hex,
        sign: async (transaction: Parameters<typeof people.oracle.signTransaction>[0]) =>
          (await people.oracle.signTransaction(transaction)) as Hex,
      };
      anchorer = new Anchorer({ chain, db, signer, stream: 1, logger });
      await anchorer.reconcile();
      chain.start();
      anchorer.start();
    });
    afterEach(async () => {
      await anchorer.stop();
      await chain.stop();
    });

    const close = () => {
      const batch = closeBatch(db, chain.head.timestamp - 5);
      anchorer.notify();
      return batch;
    };
    const anchored = (batch: number, ms = 120_000) =>
      until(`batch ${batch} is anchored`, ms, async () => {
        if (anchorer.status.phase === "halted") throw anchorer.status.reason;
        return anchorer.status.anchored >= batch;
      });
    /** Each batch in one transaction, one after the other, on the chain as here. */
    const requireOnce = async () => {
      const { deployment, people, provider } = consortium;
      const reader = new AnchorLogReader(provider, deployment.contracts.AnchorLog.address as Hex, 1);
      const events = await reader.anchored(0, await provider.getBlockNumber());
      expect(events.map(({ content }) => content.batch)).to.deep.equal([...events.keys()]);
      expect(events).to.have.length(anchorer.status.anchored + 1);
      expect(new Set(intentsOf(db).map(({ state }) => state))).to.deep.equal(new Set(["mined"]));
      const used = await provider.getTransactionCount(people.oracle.address);
      expect(used).to.equal(events.length);
    };

    it("its RPC node killed, and the other one after it: every batch is anchored once", async () => {
      await anchored(close());
      await network.runner.kill("rpc1");
      const first = await anchored(close());
      await network.runner.start();
      await until("rpc1 answers", 60_000, async () => (await connect({ urls: [http(0)] })) !== undefined);
      await network.runner.kill("rpc2");
      const second = await anchored(close());
      await network.runner.start();
      await anchored(close());
      seen(`anchored ${spoken(first)} and ${spoken(second)} after its node was killed`);
      await requireOnce();
    });

    it("every node killed with an anchor in their pools: the same bytes are sent again, and mined once", async () => {
      await network.runner.kill("validator1"); // no more blocks: what is sent stays in the pool
      const batch = close();
      await until("the anchor is sent", 30_000, async () => anchorer.status.intent !== undefined);
      const { hash } = anchorer.status.intent!;
      await until(
        "it is in a pool",
        30_000,
        async () => (await chain.provider.getTransaction(hash)) !== null,
      );
      for (const name of ["rpc1", "rpc2"]) await network.runner.kill(name);
      await sleep(1_000);
      await network.runner.start();
      const took = await anchored(batch);
      expect(intentsOf(db).at(-1)?.hash).to.equal(hash);
      seen(`anchored ${spoken(took)} after the nodes were started`);
      await requireOnce();
    });
  });
});

import { generateKeyPairSync, sign } from "node:crypto";
import { expect } from "chai";
import { network } from "hardhat";
import { type ConnectOptions, connectRpc, type RpcConnection } from "../../../sdk/src/connection.js";
import { type Following, followLogs } from "../../../sdk/src/follow.js";
import { failure } from "../../support/failure.js";
import { NoAnswer, RpcServer } from "../../support/rpc-server.js";

describe("connection over WebSocket", () => {
  let chain: Awaited<ReturnType<typeof network.create>>;
  let server: RpcServer;
  const key = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const open: RpcConnection[] = [];
  const followed: Following[] = [];

  beforeEach(async () => {
    chain = await network.create({ network: "default", override: { initialDate: new Date() } });
    server = await RpcServer.start(chain.provider as never);
  });
  afterEach(async () => {
    for (const following of followed.splice(0)) await following.stop();
    for (const connection of open.splice(0)) connection.destroy();
    await server.close();
  });

  const connect = async (options: Partial<ConnectOptions> = {}) => {
    const connection = await connectRpc({ urls: [server.wsUrl], timeoutMs: 1_000, pollMs: 50, ...options });
    open.push(connection);
    return connection;
  };
  const until = async (condition: () => boolean, what: string) => {
    const end = Date.now() + 10_000;
    while (!condition()) {
      if (Date.now() > end) throw new Error(`did not happen: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  /** A contract that emits an empty log whenever it is called: PUSH1 0, PUSH1 0, LOG0, STOP. */
  const emitter = async () => {
    const [signer] = await chain.ethers.getSigners();
    const { hash } = await signer!.sendTransaction({ data: "0x6560006000a0006000526006601af3" });
    const address = (await chain.ethers.provider.getTransactionReceipt(hash))!.contractAddress!;
    const emit = async () => (await signer!.sendTransaction({ to: address })).hash;
    return { address, emit };
  };

  /** What follows begins with the block after its first look. */
  const looked = async () => {
    await until(() => server.requests.some(({ params }) => params[0] === "latest"), "the first look");
    await new Promise((resolve) => setTimeout(resolve, 100));
  };

  it("asks and is answered over one socket", async () => {
    const connection = await connect();
    await Promise.all(Array.from({ length: 20 }, () => connection.getBlockNumber()));
    expect(server.sockets).to.equal(1);
  });

  it("hears of a head before it asks", async () => {
    const connection = await connect({ pollMs: 60_000 });
    const heads: number[] = [];
    await connection.on("block", (number: number) => heads.push(number));
    await looked();
    await chain.networkHelpers.mine(3);
    await until(() => heads.at(-1) === 3, "the announced heads");
    expect(heads, "none left out").to.deep.equal([1, 2, 3]);
  });

  it("asks again what a lost socket left unanswered, and nothing that is not the same twice", async () => {
    const connection = await connect();
    const cut = new Set(["eth_gasPrice", "eth_sendTransaction"]);
    server.fault = async ({ method }, forward) => {
      const answer = await forward();
      if (cut.delete(method)) throw new NoAnswer();
      return answer;
    };
    server.requests.length = 0;
    await connection.send("eth_gasPrice", []);
    const order = server.requests.map(({ method }) => method);
    expect(order[0]).to.equal("eth_gasPrice");
    expect(order.at(-1), "after it has shown its chain again").to.equal("eth_gasPrice");
    expect(order).to.include.members(["eth_chainId", "eth_getBlockByNumber", "eth_subscribe"]);
    const [from] = (await chain.provider.request({ method: "eth_accounts" })) as string[];
    const error = await failure(connection.send("eth_sendTransaction", [{ from, to: from }]));
    expect(error.code).to.equal("AnswerUnknown");
    expect(server.count("eth_sendTransaction")).to.equal(1);
  });

  it("follows logs without a gap and without one twice, whatever becomes of the sockets", async () => {
    const { address, emit } = await emitter();
    const connection = await connect({ pollMs: 200 });
    const got: string[] = [];
    const cursors: number[] = [];
    followed.push(
      followLogs(connection, {
        filter: { address },
        fromBlock: 0,
        onLogs: (logs, upTo) => {
          got.push(...logs.map(({ transactionHash }) => transactionHash));
          cursors.push(upTo);
        },
      }),
    );
    const sent: string[] = [];
    for (let i = 0; i < 12; i++) {
      if (i % 3 === 1) server.cutSockets();
      sent.push(await emit());
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    await until(() => got.length >= sent.length, "all logs are there");
    expect(got).to.deep.equal(sent);
    expect(cursors).to.deep.equal([...cursors].sort((a, b) => a - b));
  });

  it("gives the same blocks again when their reader failed, and goes on from a cursor", async () => {
    const { address, emit } = await emitter();
    const connection = await connect();
    const sent = [await emit(), await emit()];
    const got: string[] = [];
    let cursor = 0;
    let failures = 2;
    const follow = (fromBlock: number) => {
      const onLogs = (logs: readonly { transactionHash: string }[], upTo: number) => {
        if (failures-- > 0) throw new Error("the reader's disk is full");
        got.push(...logs.map(({ transactionHash }) => transactionHash));
        cursor = upTo;
      };
      return followLogs(connection, { filter: { address }, fromBlock, onLogs });
    };
    const first = follow(0);
    await until(() => got.length === 2, "both logs");
    await first.stop();
    sent.push(await emit());
    const second = follow(cursor + 1);
    followed.push(second);
    await until(() => got.length === 3, "the third");
    expect(got).to.deep.equal(sent);
  });

  it("gives events of ethers' own subscriptions across a loss", async () => {
    const { address, emit } = await emitter();
    const connection = await connect();
    const got: string[] = [];
    await connection.on({ address }, ({ transactionHash }) => got.push(transactionHash));
    await looked();
    const sent = [await emit()];
    server.cutSockets();
    sent.push(await emit(), await emit());
    await until(() => got.length === 3, "three events");
    expect(got).to.deep.equal(sent);
  });

  describe("tokens", () => {
    beforeEach(async () => {
      await server.close();
      server = await RpcServer.start(chain.provider as never, { jwtKey: key.publicKey });
    });
    const tokenFor = (seconds: number) => {
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
      const exp = Math.floor(Date.now() / 1_000) + seconds;
      const content = `${part({ alg: "ES256" })}.${part({ exp, permissions: ["*:*"], n: Math.random() })}`;
      const signature = sign("sha256", Buffer.from(content), {
        key: key.privateKey,
        dsaEncoding: "ieee-p1363",
      });
      return `${content}.${signature.toString("base64url")}`;
    };

    it("are shown when the socket opens; without one every request is refused in words", async () => {
      const pem = key.privateKey.export({ format: "pem", type: "pkcs8" }) as string;
      expect(await (await connect({ jwtKey: pem })).getBlockNumber()).to.equal(0);
      expect((await failure(connect())).code).to.equal("NodeTokenRefused");
    });

    it("are renewed on a new socket before they end, and nothing is lost in between", async () => {
      const connection = await connect({ token: () => tokenFor(2) });
      const end = Date.now() + 2_500;
      let answers = 0;
      while (Date.now() < end) {
        await Promise.all([connection.getBlockNumber(), connection.getBlockNumber()]);
        answers++;
      }
      expect(answers).to.be.greaterThan(10);
      expect(new Set(server.authorizations).size).to.be.greaterThan(1);
      await until(() => server.sockets === 1, "the old sockets are closed");
    });

    it("that ended after all are replaced, and the request is sent again", async () => {
      let given = 0;
      const connection = await connect({ token: () => (given++ === 0 ? tokenFor(-5) : tokenFor(600)) });
      expect(await connection.getBlockNumber()).to.equal(0);
      expect(given).to.equal(2);
    });
  });
});

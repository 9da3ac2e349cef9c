import { generateKeyPairSync } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Wallet } from "ethers";
import { network } from "hardhat";
import { type ConnectOptions, connectRpc, type RpcConnection } from "../../../sdk/src/connection.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { NodeError } from "../../../sdk/src/nodes/failure.js";
import type { NodeNotice } from "../../../sdk/src/nodes/pool.js";
import { failure } from "../../support/failure.js";
import { HttpStatus, NoAnswer, RpcServer } from "../../support/rpc-server.js";

describe("connection to several nodes", () => {
  let chain: Awaited<ReturnType<typeof network.create>>;
  let first: RpcServer;
  let second: RpcServer;
  let notices: NodeNotice[];
  const open: RpcConnection[] = [];

  beforeEach(async () => {
    chain = await network.create({ network: "default", override: { initialDate: new Date() } });
    first = await RpcServer.start(chain.provider as never);
    second = await RpcServer.start(chain.provider as never);
    notices = [];
  });
  afterEach(async () => {
    for (const connection of open.splice(0)) connection.destroy();
    await first.close();
    await second.close();
  });

  const connect = (options: Partial<ConnectOptions> = {}) => connectTo([first.url, second.url], options);
  const connectTo = async (urls: string[], options: Partial<ConnectOptions> = {}) => {
    const connection = await connectRpc({
      urls,
      timeoutMs: 1_000,
      patienceMs: 500,
      pollMs: 20,
      report: (notice) => notices.push(notice),
      ...options,
    });
    open.push(connection);
    return connection;
  };
  const mine = (blocks = 1) => chain.networkHelpers.mine(blocks);
  const until = async (condition: () => boolean, what: string) => {
    const end = Date.now() + 5_000;
    while (!condition()) {
      if (Date.now() > end) throw new Error(`did not happen: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  /** Another chain of the same id: its genesis differs. */
  const otherChain = () => network.create({ network: "default", override: { initialDate: new Date(0) } });

  describe("which chain", () => {
    it("checks chain id and genesis before anything else, and tells them", async () => {
      const connection = await connect();
      expect(first.requests.slice(0, 2).map(({ method }) => method)).to.have.members([
        "eth_chainId",
        "eth_getBlockByNumber",
      ]);
      expect((await connection.getNetwork()).chainId).to.equal(31_337n);
      expect(connection.genesisHash).to.equal((await chain.ethers.provider.getBlock(0))?.hash);
    });

    it("refuses when every node is on another chain, and names what it found", async () => {
      const id = await failure(connect({ chainId: 4_242 }));
      expect(id.code).to.equal("ChainIdMismatch");
      expect(id.args).to.include({ expected: 4_242n, found: 31_337n, node: first.url });
      const genesis = await failure(connect({ genesisHash: `0x${"ab".repeat(32)}` }));
      expect(genesis.code).to.equal("GenesisMismatch");
    });

    it("names a node on another chain at the start, and never asks it", async () => {
      const other = await otherChain();
      await second.close();
      second = await RpcServer.start(other.provider as never);
      const connection = await connect();
      await until(() => notices.some(({ event }) => event === "wrong chain"), "the wrong one is named");
      expect(notices.find(({ event }) => event === "wrong chain")?.url).to.equal(second.url);
      expect(connection.nodes.map(({ state }) => state)).to.deep.equal(["good", "refused"]);
      second.requests.length = 0;
      first.fault = async () => {
        throw new NoAnswer();
      };
      expect((await failure(connection.getBlockNumber())).code).to.equal("ChainUnreachable");
      expect(second.requests).to.deep.equal([]);
    });

    it("asks again who answers after a connection was lost", async () => {
      const connection = await connect({ urls: [first.url] });
      const { port } = first;
      await first.close();
      expect(await failure(connection.getBlockNumber())).to.be.instanceOf(NodeError);
      first = await RpcServer.start((await otherChain()).provider as never, { port });
      const error = await failure(connection.getBlockNumber());
      expect(error.code).to.equal("GenesisMismatch");
      expect(error, "waiting does not mend it").not.to.be.instanceOf(NodeError);
    });
  });

  describe("failover", () => {
    const faults: Record<string, () => Promise<never>> = {
      "a cut connection": () => Promise.reject(new NoAnswer()),
      silence: () => new Promise(() => {}),
      "HTTP 503": () => Promise.reject(new HttpStatus(503)),
      "HTTP 429": () => Promise.reject(new HttpStatus(429)),
      "initial sync": () =>
        Promise.reject(Object.assign(new Error("Initial sync is still in progress"), { code: -32_008 })),
    };
    for (const [name, fault] of Object.entries(faults)) {
      it(`takes the next node after ${name}, and stays there`, async () => {
        const connection = await connect({ timeoutMs: 300 });
        first.fault = fault;
        expect(await connection.getBlockNumber()).to.equal(0);
        expect(connection.current).to.equal(second.url);
        first.fault = undefined;
        const before = first.requests.length;
        await connection.getBlockNumber();
        expect(first.requests.length).to.equal(before);
      });
    }

    it("takes the next node when the first is gone, and the first when the second is", async () => {
      const connection = await connect();
      const { port } = first;
      await first.close();
      expect(await connection.getBlockNumber()).to.equal(0);
      first = await RpcServer.start(chain.provider as never, { port });
      await second.close();
      expect(await connection.getBlockNumber()).to.equal(0);
      expect(connection.current).to.equal(first.url);
      second = await RpcServer.start(chain.provider as never);
    });

    it("starts with the second node when the first is down", async () => {
      const urls = [first.url, second.url];
      await first.close();
      const connection = await connectTo(urls);
      expect(connection.current).to.equal(second.url);
      first = await RpcServer.start(chain.provider as never);
    });

    it("leaves a node's own errors alone", async () => {
      const connection = await connect();
      const error = (await failure(connection.send("eth_noSuchMethod", []))) as unknown;
      expect(error).not.to.be.instanceOf(NodeError);
      expect(second.count("eth_noSuchMethod")).to.equal(0);
    });

    it("sends signed bytes to the next node, once mined", async () => {
      const connection = await connect();
      const wallet = Wallet.createRandom();
      const raw = await wallet.signTransaction({
        type: 2,
        chainId: 31_337,
        nonce: 0,
        to: wallet.address,
        gasLimit: 21_000,
        maxFeePerGas: 0n,
        maxPriorityFeePerGas: 0n,
      });
      first.fault = async ({ method }, forward) => {
        const answer = await forward();
        if (method === "eth_sendRawTransaction") throw new NoAnswer(); // taken, and the answer lost
        return answer;
      };
      const hash = await connection.send("eth_sendRawTransaction", [raw]);
      expect((await connection.getTransactionReceipt(hash))?.status).to.equal(1);
      expect(await connection.send("eth_sendRawTransaction", [raw]), "again").to.equal(hash);
      expect(await connection.getTransactionCount(wallet.address)).to.equal(1);
    });

    it("tells a nonce that another transaction used from a repeated sending", async () => {
      const connection = await connect();
      const wallet = Wallet.createRandom();
      const sign = (data: string) =>
        wallet.signTransaction({
          type: 2,
          chainId: 31_337,
          nonce: 0,
          to: wallet.address,
          data,
          gasLimit: 30_000,
          maxFeePerGas: 0n,
          maxPriorityFeePerGas: 0n,
        });
      await connection.send("eth_sendRawTransaction", [await sign("0x")]);
      const error = await failure(connection.send("eth_sendRawTransaction", [await sign("0x01")]));
      expect(error.message).to.match(/nonce too low/i);
    });

    it("never sends twice what is not the same twice", async () => {
      const connection = await connect();
      first.fault = async ({ method }, forward) => {
        const answer = await forward();
        if (method === "eth_sendTransaction") throw new NoAnswer();
        return answer;
      };
      const [from] = (await chain.provider.request({ method: "eth_accounts" })) as string[];
      const error = await failure(connection.send("eth_sendTransaction", [{ from, to: from }]));
      expect(error.code).to.equal("AnswerUnknown");
      expect(first.count("eth_sendTransaction") + second.count("eth_sendTransaction")).to.equal(1);
    });

    it("says that the account is not on the allowlist", async () => {
      const connection = await connect();
      first.fault = async ({ method }, forward) => {
        if (method !== "eth_sendRawTransaction") return forward();
        throw Object.assign(new Error("Sender account not authorized to send transactions"), {
          code: -32_007,
        });
      };
      const error = await failure(connection.send("eth_sendRawTransaction", ["0x02"]));
      expect(error.code).to.equal("AccountNotAllowed");
      expect(error).to.be.instanceOf(NodeError);
    });
  });

  describe("a node that is behind", () => {
    /** Answers as if the chain were some blocks shorter. */
    const lagging = (server: RpcServer, blocks: () => number) => {
      server.fault = async ({ method, params }, forward) => {
        if (method === "eth_blockNumber") return `0x${(Number(await forward()) - blocks()).toString(16)}`;
        if (method === "eth_getBlockByNumber" && params[0] === "latest") {
          const head = Number(await chain.ethers.provider.getBlockNumber()) - blocks();
          return chain.provider.request({ method, params: [`0x${head.toString(16)}`, false] });
        }
        return forward();
      };
    };

    it("is passed over", async () => {
      await mine(5);
      const connection = await connect();
      expect(connection.seenBlock).to.equal(5);
      lagging(first, () => 2);
      expect(await connection.getBlockNumber()).to.equal(5);
      expect(connection.current).to.equal(second.url);
    });

    it("is not read from after a failover, whatever is asked", async () => {
      await mine(5);
      const connection = await connect();
      lagging(second, () => 1);
      first.fault = async () => {
        throw new NoAnswer();
      };
      second.requests.length = 0;
      expect((await failure(connection.getBalance(Wallet.createRandom().address))).code).to.equal(
        "NodeBehind",
      );
      expect(second.count("eth_getBalance")).to.equal(0);
    });

    it("is waited for when it is the only one", async () => {
      await mine(5);
      const connection = await connect({ urls: [first.url], patienceMs: 3_000 });
      const end = Date.now() + 300;
      lagging(first, () => (Date.now() < end ? 2 : 0));
      expect(await connection.getBlockNumber()).to.equal(5);
      expect(Date.now()).to.be.greaterThanOrEqual(end);
    });

    it("is not used when the run before this one saw more", async () => {
      await mine(5);
      lagging(first, () => 1);
      const connection = await connect({ seenBlock: 5 });
      expect(connection.current).to.equal(second.url);
      const error = await failure(connect({ seenBlock: 6 }));
      expect(error.code).to.equal("NodeBehind");
    });

    it("gets another moment when a block it just announced is not there yet", async () => {
      await mine(5);
      const connection = await connect();
      let nulls = 2;
      first.fault = second.fault = async ({ method, params }, forward) =>
        method === "eth_getBlockByNumber" && params[0] === "0x5" && nulls-- > 0 ? null : forward();
      expect((await connection.getBlock(5))?.number).to.equal(5);
      expect(await connection.getBlock(6), "not announced: null is an answer").to.equal(null);
    });
  });

  describe("tokens", () => {
    const key = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const pem = key.privateKey.export({ format: "pem", type: "pkcs8" }) as string;
    const foreign = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
      format: "pem",
      type: "sec1",
    }) as string;
    let folder: string;
    let file: string;

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), "tenon-jwt-"));
      file = join(folder, "jwt.pem");
      writeFileSync(file, pem, { mode: 0o600 });
      await first.close();
      first = await RpcServer.start(chain.provider as never, { jwtKey: key.publicKey });
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    const one = (options: Partial<ConnectOptions>) => connect({ urls: [first.url], ...options });

    it("are signed from a file or from text, and used until they are old", async () => {
      expect(await (await one({ jwtKey: file })).getBlockNumber()).to.equal(0);
      expect(await (await one({ jwtKey: pem })).getBlockNumber()).to.equal(0);
      first.authorizations.length = 0;
      const connection = await one({ jwtKey: pem });
      await connection.getBlockNumber();
      expect(new Set(first.authorizations).size).to.equal(1);
    });

    it("absent, foreign or expired: refused in words that hold no secret", async () => {
      expect((await failure(one({}))).code).to.equal("NodeTokenRefused");
      const error = await failure(one({ jwtKey: foreign }));
      expect(error.code).to.equal("NodeTokenRefused");
      const token = first.authorizations.at(-1)!.slice("Bearer ".length);
      expect(`${error.message} ${JSON.stringify(error.args)} ${error.stack}`).not.to.include(token);
      expect((await failure(one({ token: expired() }))).code).to.equal("NodeTokenRefused");
    });

    const expired = () => {
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
      return `${part({ alg: "ES256" })}.${part({ exp: 1, permissions: ["*:*"] })}.AAAA`;
    };

    it("are signed anew after a refusal, and the request is sent again", async () => {
      const connection = await one({ jwtKey: pem });
      const { port } = first;
      const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
      await first.close();
      first = await RpcServer.start(chain.provider as never, { port, jwtKey: other.publicKey });
      expect((await failure(connection.getBlockNumber())).code).to.equal("NodeTokenRefused");
      expect(new Set(first.authorizations).size, "a second token was tried").to.be.greaterThan(1);
      await first.close();
      first = await RpcServer.start(chain.provider as never, { port, jwtKey: key.publicKey });
      expect(await connection.getBlockNumber()).to.equal(0);
    });

    it("come from a function when somebody else signs them, asked again after a refusal", async () => {
      let asked = 0;
      const connection = await one({ jwtKey: pem });
      const good = first.authorizations.at(-1)!.slice("Bearer ".length);
      connection.destroy();
      const token = () => (asked++ === 0 ? expired() : good);
      expect(await (await one({ token })).getBlockNumber()).to.equal(0);
      expect(asked).to.be.greaterThan(1);
    });

    it("refuses a key that others may read, one of another curve and one that is not there", async () => {
      chmodSync(file, 0o644);
      expect((await failure(one({ jwtKey: file }))).code).to.equal("JwtKeyOpen");
      expect((await failure(one({ jwtKey: join(folder, "none.pem") }))).code).to.equal("JwtKeyUnreadable");
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
      const p384 = privateKey.export({ format: "pem", type: "pkcs8" }) as string;
      const error = await failure(one({ jwtKey: p384 }));
      expect(error.code).to.equal("JwtKeyInvalid");
      expect(error.message).not.to.include(p384.split("\n")[1]);
    });

    it("presents a login of the address to a proxy, and never shows it", async () => {
      const connection = await connect({ urls: [second.url.replace("//", "//user:secret@")] });
      expect(second.authorizations.at(-1)).to.equal(`Basic ${Buffer.from("user:secret").toString("base64")}`);
      expect(JSON.stringify([notices, connection.nodes])).not.to.include("secret");
      await second.close();
      const error = await failure(connection.getBlockNumber());
      expect(`${error.message} ${error.stack}`).not.to.include("secret");
      second = await RpcServer.start(chain.provider as never);
    });
  });

  it("refuses addresses it cannot use, without printing their secrets", async () => {
    for (const url of ["ftp://me:secret@node", "me:secret@node", "http://"]) {
      const error = await failure(connect({ urls: [url] }));
      expect(error.code).to.equal("ConnectionInvalid");
      expect(error.message).not.to.include("secret");
    }
    expect(await failure(connect({ urls: [] }))).to.be.instanceOf(TenonError);
  });
});

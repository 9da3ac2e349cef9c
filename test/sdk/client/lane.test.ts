import { expect } from "chai";
import { type TransactionReceipt, Wallet } from "ethers";
import { network } from "hardhat";
import { connectRpc, type RpcConnection } from "../../../sdk/src/connection.js";
import { type LaneTransaction, NonceLane } from "../../../sdk/src/lane.js";
import { failure } from "../../support/failure.js";
import { NoAnswer, RpcServer } from "../../support/rpc-server.js";

describe("nonce lane", () => {
  let chain: Awaited<ReturnType<typeof network.create>>;
  let server: RpcServer;
  let provider: RpcConnection;
  let wallet: Wallet;
  let lane: NonceLane;

  beforeEach(async () => {
    chain = await network.create({ network: "default", override: { initialDate: new Date() } });
    server = await RpcServer.start(chain.provider as never);
    provider = await connectRpc({ urls: [server.url], timeoutMs: 1_000 });
    wallet = new Wallet(Wallet.createRandom().privateKey);
    lane = NonceLane.of(provider, wallet.address);
  });
  afterEach(async () => {
    provider.destroy();
    await server.close();
  });

  const sign = (nonce: number, data = "0x") =>
    wallet.signTransaction({
      ...{ type: 2, chainId: 31_337, nonce, to: wallet.address, data },
      ...{ gasLimit: 60_000, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n },
    });
  const send = () => lane.send(sign);
  const automine = (on: boolean) => chain.provider.request({ method: "evm_setAutomine", params: [on] });
  const mined = (sent: LaneTransaction[]): Promise<TransactionReceipt[]> =>
    Promise.all(sent.map((transaction) => transaction.mined(20_000)));
  const nonces = (sent: LaneTransaction[]) => sent.map(({ nonce }) => nonce);
  /** As a node that restarts: everything that waits is forgotten. */
  const losePool = async () => {
    const block = (await chain.provider.request({
      method: "eth_getBlockByNumber",
      params: ["pending", false],
    })) as { transactions: string[] };
    for (const hash of block.transactions) {
      await chain.provider.request({ method: "hardhat_dropTransaction", params: [hash] });
    }
    return block.transactions.length;
  };

  it("is the same for one key on one provider", () => {
    expect(NonceLane.of(provider, wallet.address.toLowerCase())).to.equal(lane);
  });

  it("numbers what is sent at once, without waiting for blocks", async () => {
    await automine(false);
    const sent = await Promise.all(Array.from({ length: 10 }, send));
    expect(nonces(sent)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await automine(true);
    await chain.networkHelpers.mine();
    expect((await mined(sent)).every(({ status }) => status === 1)).to.equal(true);
  });

  it("sends the same bytes again, in order, when the node lost its pool, and mines each once", async () => {
    await automine(false);
    const sent = [await send(), await send(), await send()];
    const bytes = server.requests
      .filter(({ method }) => method === "eth_sendRawTransaction")
      .map(({ params }) => params[0]);
    expect(await losePool()).to.equal(3);
    server.requests.length = 0;
    await automine(true);
    const receipts = await mined(sent);
    expect(receipts.map(({ status }) => status)).to.deep.equal([1, 1, 1]);
    const again = server.requests
      .filter(({ method }) => method === "eth_sendRawTransaction")
      .map(({ params }) => params[0]);
    expect(again).to.deep.equal(bytes);
    expect(await provider.getTransactionCount(wallet.address)).to.equal(3);
  });

  it("leaves no gap when the next transaction comes after the pool was lost", async () => {
    await automine(false);
    const sent = [await send(), await send()];
    await losePool();
    await automine(true);
    sent.push(await send());
    expect(nonces(sent)).to.deep.equal([0, 1, 2]);
    await mined(sent);
  });

  it("counts no answer as sent", async () => {
    let silent = 2;
    server.fault = async ({ method }, forward) => {
      if (method === "eth_sendRawTransaction" && silent-- > 0) throw new NoAnswer();
      return forward();
    };
    const first = await send();
    const [receipt] = await mined([first]);
    expect(receipt?.status).to.equal(1);
    expect(await provider.getTransactionCount(wallet.address)).to.equal(1);
  });

  it("takes a fresh nonce when another process used this one in between", async () => {
    let taken = false;
    const sent = await lane.send(async (nonce) => {
      if (!taken) {
        taken = true;
        await provider.send("eth_sendRawTransaction", [await sign(nonce, "0x01")]);
      }
      return sign(nonce);
    });
    expect(sent.nonce).to.equal(1);
    await mined([sent]);
  });

  it("says so when another transaction used the nonce after all", async () => {
    await automine(false);
    const sent = await send();
    await losePool();
    await chain.provider.request({ method: "eth_sendRawTransaction", params: [await sign(0, "0x02")] });
    await automine(true);
    await chain.networkHelpers.mine();
    expect((await failure(sent.mined(20_000))).code).to.equal("TransactionReplaced");
  });

  it("uses no nonce for what the node refuses", async () => {
    server.fault = async ({ method }, forward) => {
      if (method !== "eth_sendRawTransaction") return forward();
      throw Object.assign(new Error("Transaction gas limit cap exceeded"), { code: -32_005 });
    };
    expect((await failure(send())).message).to.include("cap exceeded");
    server.fault = undefined;
    expect((await send()).nonce).to.equal(0);
  });

  it("keeps to a nonce that was asked for", async () => {
    await mined([await send()]);
    const error = await failure(lane.send((nonce) => sign(nonce, "0x01"), 0));
    expect(error.message).to.match(/nonce too low/i);
    expect((await lane.send(sign, 1)).nonce).to.equal(1);
  });

  it("ends a wait with the hash when no block comes", async () => {
    await automine(false);
    const sent = await send();
    const error = await failure(sent.mined(300));
    expect(error.code).to.equal("TransactionUnknown");
    expect(error.args).to.include({ hash: sent.hash, nonce: 0 });
  });
});

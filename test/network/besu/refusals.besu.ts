import { expect } from "chai";
import { dataLength, type Wallet } from "ethers";
import type { Hex } from "../../../sdk/src/bytes.js";
import type { RpcConnection } from "../../../sdk/src/connection.js";
import { newKey } from "../../scenarios/support/chain.js";
import { seen } from "../seen.js";
import {
  blockOf,
  call,
  expectOneChain,
  heightAt,
  intervals,
  namesOf,
  peersOf,
  refusedBy,
} from "./support/chain.js";
import { connectTo, rpcRefusal } from "./support/client.js";
import { spoken, startNetwork, type TestNetwork, until } from "./support/network.js";
import { blobTransaction, creationOf, sendAll, signed, transfers } from "./support/transactions.js";

/** EIP-7825, stated in the genesis. */
const GAS_CAP = 2n ** 24n;
/** EIP-170 and EIP-3860. */
const CODE_LIMIT = 24_576;
const INIT_CODE_LIMIT = 49_152;
const MANY = 10_000;

describe("what a network takes and what it refuses", function () {
  this.timeout(300_000);
  const busy = newKey();
  const member = newKey();
  const stranger = newKey();
  let network: TestNetwork;
  let bundle: TestNetwork["bundle"];
  let chainId: number;
  let client: RpcConnection;

  before(async () => {
    network = await startNetwork({ accounts: [busy, member].map(({ address }) => address as Hex) });
    bundle = network.bundle;
    chainId = bundle.manifest.chainId;
    client = await connectTo(bundle);
  });
  after(async () => {
    client?.destroy();
    await network?.end();
  });

  const send = (raw: string) => client.send("eth_sendRawTransaction", [raw]) as Promise<string>;
  const nonceOf = async ({ address }: Wallet, node = "rpc1") =>
    Number(await call(bundle, node, "eth_getTransactionCount", [address, "latest"]));
  const receiptOf = async (hash: unknown) => {
    const find = () => call(bundle, "rpc1", "eth_getTransactionReceipt", [hash]);
    await until(`${hash} is mined`, 30_000, async () => (await find()) !== null);
    return (await find()) as { status: Hex; blockNumber: Hex; gasUsed: Hex };
  };

  it("an account that is not on the allowlist: refused by every node, and in no block", async () => {
    const raw = await signed(stranger, { chainId, nonce: 0, to: member.address });
    for (const node of namesOf(bundle)) {
      const { code, reason } = await refusedBy(bundle, node, "eth_sendRawTransaction", [raw]);
      expect(code).to.equal(-32_007);
      if (node === "rpc1") seen(`${code} ${reason}, from each of ${namesOf(bundle).length} nodes`);
    }
    const allowed = await signed(member, { chainId, nonce: 0, to: member.address });
    expect((await receiptOf(await send(allowed))).status).to.equal("0x1");
    expect(await nonceOf(stranger)).to.equal(0);
  });

  it("a transaction above the gas cap: refused; one at the cap is mined", async () => {
    const at = { chainId, nonce: 1, to: member.address };
    const above = await signed(member, { ...at, gasLimit: GAS_CAP + 1n });
    const { code, message } = await rpcRefusal(send(above));
    expect(code).to.equal(-32_005);
    seen(`${GAS_CAP + 1n} gas: ${code} ${message}`);
    const { status } = await receiptOf(await send(await signed(member, { ...at, gasLimit: GAS_CAP })));
    expect(status).to.equal("0x1");
  });

  it("a contract above the size limit: its creation fails, and leaves no code", async () => {
    const create = async (nonce: number, bytes: number) => {
      const creation = { chainId, nonce, to: null, data: creationOf(bytes), gasLimit: 10_000_000n };
      const { status, contractAddress } = (await receiptOf(
        await send(await signed(member, creation)),
      )) as unknown as { status: Hex; contractAddress: Hex };
      const code = (await call(bundle, "rpc1", "eth_getCode", [contractAddress, "latest"])) as Hex;
      return { status, code: dataLength(code) };
    };
    expect(await create(2, CODE_LIMIT)).to.deep.equal({ status: "0x1", code: CODE_LIMIT });
    expect(await create(3, CODE_LIMIT + 1)).to.deep.equal({ status: "0x0", code: 0 });
    seen(`${CODE_LIMIT} bytes are created; with one more the creation is mined as failed`);

    const data = `${creationOf(1)}${"00".repeat(INIT_CODE_LIMIT)}`;
    const raw = await signed(member, { chainId, nonce: 4, to: null, data, gasLimit: 10_000_000n });
    const { code, message } = await rpcRefusal(send(raw));
    seen(
      `creation code of ${dataLength(data)} bytes, of which ${INIT_CODE_LIMIT} may be: ${code} ${message}`,
    );
    expect(await nonceOf(member)).to.equal(4);
  });

  it("a blob transaction, in the old and the new form: refused, and no node loses a peer", async () => {
    const others = namesOf(bundle).length - 1;
    const peers = () => Promise.all(namesOf(bundle).map((node) => peersOf(bundle, node)));
    await until("every node has all peers", 150_000, async () => (await peers()).every((n) => n === others));
    const before = await heightAt(bundle, "rpc1");
    for (const format of ["blob proof", "cell proofs"] as const) {
      const { code, message } = await rpcRefusal(send(await blobTransaction(busy, chainId, format)));
      seen(`with ${format}: ${code} ${message}`);
      expect(message).to.match(/blob/i);
    }
    // A node that passed one on would lose its peers within seconds, for minutes.
    await until("ten more blocks", 30_000, async () => (await heightAt(bundle, "rpc1")) >= before + 10);
    expect(await peers()).to.deep.equal(Array(others + 1).fill(others));
    expect(await nonceOf(busy)).to.equal(0);
    const { longest } = await intervals(bundle, "rpc1", before, before + 10);
    expect(longest, "seconds between blocks").to.be.at.most(2);
    seen(`every node still has its ${others} peers; no block took longer than ${longest} s`);
  });

  it(`${MANY} transactions from one key: all mined, once each and in order`, async () => {
    const raw = await transfers(busy, chainId, MANY);
    const hashes: string[] = [];
    const from = await heightAt(bundle, "rpc1");
    const begin = Date.now();
    await sendAll(raw, async (one, index) => {
      hashes[index] = await send(one);
    });
    const taken = Date.now() - begin;
    await until("all are mined", 180_000, async () => (await nonceOf(busy)) === MANY);
    const all = Date.now() - begin;
    const to = await heightAt(bundle, "rpc1");
    const mined: string[] = [];
    for (let number = from + 1; number <= to; number++) {
      mined.push(...(await blockOf(bundle, "rpc1", number))!.transactions);
    }
    expect(mined).to.deep.equal(hashes);
    await until("every node has them", 60_000, async () => {
      const nonces = await Promise.all(namesOf(bundle).map((node) => nonceOf(busy, node)));
      return nonces.every((nonce) => nonce === MANY);
    });
    await expectOneChain(bundle);
    const { average, longest } = await intervals(bundle, "rpc1", from, to);
    seen(
      `taken in ${spoken(taken)}, all mined after ${spoken(all)} (${Math.round((1000 * MANY) / all)} a second) in blocks of ${from + 1} to ${to}`,
    );
    seen(`${average.toFixed(1)} s from block to block, ${longest} s at most; all nodes have the same block`);
  });
});

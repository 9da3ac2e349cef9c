import { expect } from "chai";
import { decodeRlp, encodeRlp, keccak256, type TransactionRequest } from "ethers";
import { network } from "hardhat";
import { concatBytes, fromHex, type Hex, toHex } from "../../../sdk/src/bytes.js";
import { ProofError } from "../../../sdk/src/index.js";
import { buildBlockProof, headerRlp, verifyBlockProof } from "../../../sdk/src/proof/block.js";
import { indexKey, proveEntry, readEntry } from "../../../sdk/src/proof/trie.js";
import { rpc } from "../../../sdk/src/rpc.js";
import { Random, testSeed } from "../../support/random.js";
import { refusal } from "../../support/refusal.js";

/** Creation code of a contract that emits each call's data twice, as logs with one topic. */
const EMITTER = "0x601380600b6000396000f336600060003760a1366000a160a1366000a100";

describe("trie of a block", () => {
  const entries = (count: number, value: (i: number) => Hex) =>
    Array.from({ length: count }, (_, i) => ({ key: indexKey(i), value: value(i) }));
  const long = (i: number) => toHex(concatBytes(fromHex("0x02"), new Uint8Array(40 + (i % 90)).fill(i)));

  it("proves the entries of tries of 1 to 300 entries, and nothing else", () => {
    for (const count of [1, 2, 3, 15, 16, 17, 127, 128, 129, 255, 256, 257, 300]) {
      const all = entries(count, long);
      for (const { key, value } of all.filter((_, i) => i < 3 || i % 32 === 0 || i === count - 1)) {
        const { root, path } = proveEntry(all, key);
        expect(readEntry("receipt", root, key, path)).to.equal(value);
        expect(() => readEntry("receipt", root, indexKey(count), path)).to.throw(ProofError);
        expect(() => readEntry("receipt", root, key, [...path, path[0]!])).to.throw(ProofError);
        expect(() => readEntry("receipt", root, key, path.slice(0, -1))).to.throw(ProofError);
      }
    }
  });

  it("keeps entries under 32 bytes inside their parents", () => {
    const all = entries(20, (i) => encodeRlp(`0x${(i + 16).toString(16)}`) as Hex);
    for (const { key, value } of all) {
      const { root, path } = proveEntry(all, key);
      expect(readEntry("receipt", root, key, path)).to.equal(value);
    }
  });

  it("has the root of the published example", () => {
    // ethereum/tests, TrieTests/trieanyorder.json, "singleItem".
    const value = toHex(Buffer.from("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
    const key = toHex(Buffer.from("A"));
    const { root } = proveEntry([{ key, value }], key);
    expect(root).to.equal("0xd23786fb4a010da3ce639d66d5e904a11dbc02746d1ce25029e53290cabf28ab");
  });
});

describe("block proof", () => {
  type Chain = Awaited<ReturnType<typeof network.create>>;
  let chain: Chain;
  before(async () => {
    chain = await network.create();
  });

  async function emitter(): Promise<string> {
    const [signer] = await chain.ethers.getSigners();
    const receipt = await (await signer!.sendTransaction({ data: EMITTER, gasPrice: 0n })).wait();
    return receipt!.contractAddress!;
  }

  /** One block with `count` transactions of types 0, 1 and 2 that log; answers their hashes. */
  async function block(count: number): Promise<string[]> {
    const to = await emitter();
    const signers = await chain.ethers.getSigners();
    await chain.provider.request({ method: "evm_setAutomine", params: [false] });
    const sent = [];
    for (let i = 0; i < count; i++) {
      const type = i % 3;
      const fees = type === 2 ? { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n } : { gasPrice: 0n };
      const data = toHex(new Uint8Array((7 * i) % 64).fill(i));
      const transaction: TransactionRequest = { to, data, type, gasLimit: 60_000n, ...fees };
      sent.push((await signers[i % signers.length]!.sendTransaction(transaction)).hash);
    }
    await chain.provider.request({ method: "evm_mine", params: [] });
    await chain.provider.request({ method: "evm_setAutomine", params: [true] });
    return sent;
  }

  for (const count of [1, 2, 130]) {
    it(`proves the logs of a block of ${count} transactions with the block's hash alone`, async () => {
      const hashes = await block(count);
      const receipts = await Promise.all(
        hashes.map((hash) => chain.ethers.provider.getTransactionReceipt(hash)),
      );
      for (const receipt of receipts.filter((_, i) => count < 10 || i % 13 === 0)) {
        expect(receipt!.logs).to.have.length(2);
        for (const log of receipt!.logs) {
          const proof = await buildBlockProof(chain.provider, receipt!.hash, log.index);
          expect(proof.number).to.equal(BigInt(receipt!.blockNumber));
          const proven = verifyBlockProof(proof, receipt!.blockHash as Hex);
          expect(proven).to.deep.equal({
            address: log.address.toLowerCase(),
            topics: log.topics,
            data: log.data,
          });
        }
      }
    });
  }

  it("uses eth_getBlockReceipts where the node has it", async () => {
    const [hash] = (await block(3)) as [string];
    const asked: string[] = [];
    const node = {
      request: async ({
        method,
        params = [],
      }: {
        method: string;
        params?: unknown[] | Record<string, unknown>;
      }) => {
        asked.push(method);
        const list = params as unknown[];
        if (method !== "eth_getBlockReceipts") return chain.provider.request({ method, params: list });
        const found = (await rpc(chain.provider, "eth_getBlockByNumber", [list[0], false])) as {
          transactions: string[];
        };
        return Promise.all(
          found.transactions.map((each) => rpc(chain.provider, "eth_getTransactionReceipt", [each])),
        );
      },
    };
    const receipt = await chain.ethers.provider.getTransactionReceipt(hash);
    const proof = await buildBlockProof(node, hash, receipt!.logs[0]!.index);
    expect(asked.filter((method) => method === "eth_getTransactionReceipt")).to.have.length(1);
    expect(proof).to.deep.equal(await buildBlockProof(chain.provider, hash, receipt!.logs[0]!.index));
  });

  it("refuses unknown transactions and logs, and a node that lies about header or receipts", async () => {
    const [hash] = (await block(2)) as [string];
    const { logs } = (await chain.ethers.provider.getTransactionReceipt(hash))!;
    const code = async (promise: Promise<unknown>) => (await refusal(promise)).code;
    const unknown = `0x${"ab".repeat(32)}`;
    expect(await code(buildBlockProof(chain.provider, unknown, 0))).to.equal("TransactionNotMined");
    expect(await code(buildBlockProof(chain.provider, hash, 999))).to.equal("LogNotFound");

    const lying = (method: string, change: object) => ({
      request: async (call: { method: string; params?: unknown[] | Record<string, unknown> }) => {
        const answer = await rpc(chain.provider, call.method, (call.params ?? []) as unknown[]);
        return call.method === method ? { ...(answer as object), ...change } : answer;
      },
    });
    const index = logs[0]!.index;
    const header = lying("eth_getBlockByHash", { gasUsed: "0x1" });
    expect(await code(buildBlockProof(header, hash, index))).to.equal("HeaderHashUnsupported");
    const receipts = lying("eth_getTransactionReceipt", { cumulativeGasUsed: "0x1" });
    expect(await code(buildBlockProof(receipts, hash, index))).to.equal("ReceiptsRootMismatch");
  });

  const seed = testSeed();
  it(`refuses a proof with any byte of header, receipt or path flipped (seed ${seed})`, async () => {
    const random = new Random(seed);
    const [hash] = (await block(20)) as [string];
    const receipt = (await chain.ethers.provider.getTransactionReceipt(hash))!;
    const proof = await buildBlockProof(chain.provider, hash, receipt.logs[1]!.index);
    const trusted = receipt.blockHash as Hex;
    verifyBlockProof(proof, trusted);
    const flip = (hex: Hex): Hex => {
      const bytes = fromHex(hex);
      bytes[random.below(bytes.length)]! ^= 1 + random.below(255);
      return toHex(bytes);
    };
    for (let i = 0; i < 300; i++) {
      const node = random.below(proof.receiptPath.length);
      const changed = random.pick([
        { header: flip(proof.header) },
        { receipt: flip(proof.receipt) },
        { hash: flip(proof.hash) },
        { number: proof.number + 1n },
        { transactionIndex: proof.transactionIndex + 1 + random.below(200) },
        { logIndex: proof.logIndex + 1 + random.below(9) },
        { receiptPath: proof.receiptPath.map((each, at) => (at === node ? flip(each) : each)) },
      ]);
      expect(
        () => verifyBlockProof({ ...proof, ...changed }, trusted),
        JSON.stringify(Object.keys(changed)),
      ).to.throw(ProofError);
    }
    expect(() => verifyBlockProof(proof, flip(trusted))).to.throw(ProofError);
  });

  it("encodes the headers of this chain so that they hash to the block's hash", async () => {
    for (const tag of ["0x0", "0x1", "latest"]) {
      const header = (await rpc(chain.provider, "eth_getBlockByNumber", [tag, false])) as Record<
        string,
        unknown
      >;
      expect(headerRlp(header)).to.match(/^0xf9/);
    }
  });

  it("leaves seals and round out of the hash of a QBFT header", async () => {
    const header = (await rpc(chain.provider, "eth_getBlockByNumber", ["latest", false])) as Record<
      string,
      unknown
    >;
    const vanity = `0x${"00".repeat(32)}`;
    const validators = [1, 2, 3, 4].map((i) => `0x${i.toString(16).padStart(40, "0")}`);
    const seals = validators.slice(1).map((_, i) => `0x${"5e".repeat(64)}0${i % 2}`);
    const proposed = encodeRlp([vanity, validators, [], "0x", []]);
    const sealed = { ...header, extraData: encodeRlp([vanity, validators, [], "0x01", seals]) };
    // The preimage, put together from the chain's own header by replacing one item of the list.
    const items = decodeRlp(headerRlp(header)) as string[];
    const preimage = encodeRlp(items.map((item, i) => (i === 12 ? proposed : item)));
    expect(headerRlp({ ...sealed, hash: keccak256(preimage) })).to.equal(preimage);
    const wrong = { ...sealed, hash: keccak256("0x00") };
    expect(() => headerRlp(wrong)).to.throw("does not hash to the block's hash");
    expect(() => headerRlp({ ...wrong, extraData: "0xc0" })).to.throw("does not hash to the block's hash");
  });
});

import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect } from "chai";
import { ContractFactory, JsonRpcProvider, Wallet } from "ethers";
import { artifacts, network } from "hardhat";
import { TenonError } from "../../sdk/src/errors.js";
import { type Genesis, Journal } from "../../tasks/chain/journal.js";
import { EmbeddedChain } from "../../tasks/chain/node.js";

const DATE = 1_760_000_000;
const newFolder = () => mkdtempSync(join(tmpdir(), "tenon-chain-"));

/** The node as the chain task makes it, in this process. */
async function openChain(folder: string, date = DATE) {
  const journal = new Journal(folder);
  const { provider } = await network.create({
    network: "default",
    override: {
      mining: { auto: false, interval: 0, mempool: { order: "fifo" } },
      initialDate: new Date(date * 1000),
    },
  });
  try {
    const chain = await EmbeddedChain.open(provider, journal, "test");
    return { chain, journal };
  } catch (error) {
    journal.close();
    throw error;
  }
}

/** The code of the refusal when this folder is opened. */
async function refusal(folder: string, date = DATE): Promise<string> {
  try {
    const { journal } = await openChain(folder, date);
    journal.close();
  } catch (error) {
    if (error instanceof TenonError) return error.code;
    throw error;
  }
  return "opened";
}

/** A folder with a chain of one block with two transactions, one of which reverts, and an empty one. */
async function keptChain(): Promise<{ folder: string; file: string; head: string }> {
  const folder = newFolder();
  const { chain, journal } = await openChain(folder);
  const [from] = (await chain.request("eth_accounts", [])) as string[];
  const send = (data: string) =>
    chain.request("eth_sendTransaction", [{ from, data, gas: "0x30000", gasPrice: "0x0" }]);
  await send("0x600160005260206000f3");
  await send("0x60006000fd");
  chain.start(20, (error) => {
    throw error;
  });
  while (chain.head.transactions.length < 2) await new Promise((done) => setTimeout(done, 20));
  const { hash } = chain.head;
  await chain.stop();
  journal.close();
  return { folder, file: join(folder, "chain.jsonl"), head: hash };
}

describe("the embedded chain's journal", () => {
  it("gives the same blocks again, and one more to bring the clock to now", async () => {
    const { folder, head } = await keptChain();
    const { chain, journal } = await openChain(folder);
    expect(journal.blocks.at(-1)!.hash).to.equal(head);
    expect(chain.head.number).to.equal(journal.blocks.at(-1)!.number + 1);
    expect(Math.abs(chain.head.timestamp - Date.now() / 1000)).to.be.below(5);
    journal.close();
  });

  it("cuts a line torn by a crash", async () => {
    const { folder, file, head } = await keptChain();
    appendFileSync(file, '{"number":3,"timestamp":17');
    const { journal } = await openChain(folder);
    expect(journal.cutBytes).to.equal(26);
    expect(journal.blocks.at(-1)!.hash).to.equal(head);
    journal.close();
    expect(
      readFileSync(file, "utf8")
        .split("\n")
        .every((line) => line === "" || line.endsWith("}")),
    ).to.equal(true);
  });

  it("refuses a damaged line, a block that replays differently, another genesis or chain id", async () => {
    const { folder, file } = await keptChain();
    const good = readFileSync(file, "utf8");
    const lines = good.trimEnd().split("\n");
    const first = JSON.parse(lines[0]!) as Genesis;

    writeFileSync(file, [lines[0], "{", ...lines.slice(1), ""].join("\n"));
    expect(await refusal(folder)).to.equal("ChainStateDamaged");
    writeFileSync(
      file,
      good.replace(/"timestamp":(\d+)/, (_, at) => `"timestamp":${Number(at) - 1}`),
    );
    expect(await refusal(folder)).to.equal("ChainReplayDiffers");
    writeFileSync(file, good.replace(/"0x[0-9a-f]{100,}"/, '"0x02"'));
    expect(await refusal(folder)).to.equal("ChainReplayDiffers");
    writeFileSync(file, good.replace(/,"transactions":\[\]/, ""));
    expect(await refusal(folder)).to.equal("ChainReplayDiffers");
    writeFileSync(file, good);
    expect(await refusal(folder, DATE + 1)).to.equal("ChainStateForeign");
    writeFileSync(file, [JSON.stringify({ ...first, chainId: 1 }), ...lines.slice(1), ""].join("\n"));
    expect(await refusal(folder)).to.equal("ChainStateForeign");
    writeFileSync(file, good);
    expect(await refusal(folder)).to.equal("opened");
  });

  it("serves one process at a time", async () => {
    const folder = newFolder();
    const { journal } = await openChain(folder);
    expect(await refusal(folder)).to.equal("ChainStateLocked");
    journal.close();
    expect(await refusal(folder)).to.equal("opened");
  });

  it("starts anew in a folder where a crash left nothing but a torn first line", async () => {
    const folder = newFolder();
    writeFileSync(join(folder, "chain.jsonl"), '{"version":1,"cha');
    expect(await refusal(folder)).to.equal("opened");
    truncateSync(join(folder, "chain.jsonl"), 0);
  });

  it("lets nobody read a block that could not be kept", async () => {
    const { chain, journal } = await openChain(newFolder());
    journal.append = () => {
      throw new Error("disk full");
    };
    const [from] = (await chain.request("eth_accounts", [])) as string[];
    await chain.request("eth_sendTransaction", [{ from, to: from, gasPrice: "0x0" }]);
    const fault = await new Promise<unknown>((failed) => chain.start(20, failed));
    expect((fault as Error).message).to.equal("disk full");
    const error = await chain.request("eth_blockNumber", []).catch((thrown: unknown) => thrown);
    expect((error as TenonError).code).to.equal("ChainStopped");
    journal.close();
  });

  it("does not serve what moves the node past its clock", async () => {
    const { chain, journal } = await openChain(newFolder());
    for (const method of ["evm_mine", "evm_revert", "hardhat_setBalance"]) {
      const error = await chain.request(method, []).catch((thrown: unknown) => thrown);
      expect((error as TenonError).code).to.equal("MethodNotServed");
    }
    journal.close();
  });
});

interface Ready {
  url: string;
  chainId: number;
  genesisHash: string;
  head: number;
  headHash: string;
}

/** Starts `hardhat chain` and waits for its ready line. */
async function startChain(folder: string): Promise<{ child: ChildProcess; ready: Ready }> {
  const args = ["node_modules/hardhat/dist/src/cli.js", "chain", "--port", "0", "--state", folder, "--json"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: child.stdout! })) {
    if (line.startsWith("{")) return { child, ready: JSON.parse(line) as Ready };
  }
  throw new Error("the chain ended before it was ready");
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const ended = new Promise<number | null>((done) => child.once("exit", done));
  child.kill(signal);
  return ended;
}

describe("the embedded chain as a process", () => {
  it("resumes after kill -9 with the same blocks, the same contract and the same answers", async () => {
    const folder = newFolder();
    const { abi, bytecode } = await artifacts.readArtifact("AccessManager");
    const first = await startChain(folder);
    let provider = new JsonRpcProvider(first.ready.url, undefined, { pollingInterval: 100 });
    const signer = await provider.getSigner(0);
    const manager = await new ContractFactory(abi, bytecode, signer).deploy(await signer.getAddress(), {
      gasPrice: 0n,
    });
    const target = await manager.getAddress();
    const stranger = Wallet.createRandom(provider);
    const sent = await manager.getFunction("grantRole")(7n, stranger.address, 0, { gasPrice: 0n });
    const receipt = await sent.wait();
    await stop(first.child, "SIGKILL");
    provider.destroy();

    const second = await startChain(folder);
    provider = new JsonRpcProvider(second.ready.url, undefined, { pollingInterval: 100 });
    expect(second.ready.genesisHash).to.equal(first.ready.genesisHash);
    expect((await provider.getBlock(receipt.blockNumber))!.hash).to.equal(receipt.blockHash);
    expect((await provider.getTransactionReceipt(receipt.hash))!.blockHash).to.equal(receipt.blockHash);
    const again = new ContractFactory(abi, bytecode).attach(target).connect(provider);
    const answer = await (again as typeof manager).getFunction("hasRole")(7n, stranger.address);
    expect(answer.isMember).to.equal(true);
    const refused = await provider.call({ to: target, data: "0x" }).catch((error: unknown) => error);
    expect((refused as { code: string }).code, "a revert arrives as one").to.equal("CALL_EXCEPTION");
    provider.destroy();
    expect(await stop(second.child, "SIGTERM")).to.equal(0);
  });
});

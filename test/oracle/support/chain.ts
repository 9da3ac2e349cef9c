import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { Wallet, ZeroAddress } from "ethers";
import { network } from "hardhat";
import { ChainConnection } from "../../../oracle/src/chain/connection.js";
import type { AnchorSigner } from "../../../oracle/src/chain/key.js";
import type { Logger } from "../../../oracle/src/options.js";
import { openState } from "../../../oracle/src/state/db.js";
import { type Hex, toHex } from "../../../sdk/src/bytes.js";
import { contractNames, type Deployment } from "../../../sdk/src/deployment.js";
import { deployTelemetry } from "../../support/anchors.js";
import { DAY, NO_LIMIT, Role } from "../../support/consortium.js";
import { RpcServer } from "../../support/rpc-server.js";

/** Keeps what was logged, for the tests that look. */
export class TestLogger implements Logger {
  readonly lines: { level: string; message: string; values: object }[] = [];
  info = (values: object, message: string) => void this.lines.push({ level: "info", message, values });
  warn = (values: object, message: string) => void this.lines.push({ level: "warn", message, values });
  error = (values: object, message: string) => void this.lines.push({ level: "error", message, values });
}

/** A chain with the contracts, a node in front of it, and a key with a stream of its own and the role for 30 days. */
export async function startChain() {
  // Hardhat takes a chain's first time from the start of the process: late in a run it would be far behind the clock.
  const override = { initialDate: new Date() };
  const { ethers, provider, networkHelpers } = await network.create({ network: "default", override });
  const world = await deployTelemetry(ethers);
  const wallet = new Wallet(Wallet.createRandom().privateKey);
  const { consortium, registrar, log, oracleOrg } = world;
  await consortium.connect(registrar).addSignatory(oracleOrg, wallet.address);
  const grantAnchorRole = async (days: bigint) => {
    const { timestamp } = (await ethers.provider.getBlock("latest"))!;
    const until = BigInt(timestamp) + days * DAY;
    await consortium.connect(registrar).grantRole(wallet.address, Role.Anchor, until, NO_LIMIT);
  };
  await grantAnchorRole(30n);
  await log.connect(registrar).openStream(wallet.address);
  const rpc = await RpcServer.start(provider as never);
  const signer: AnchorSigner = {
    address: wallet.address.toLowerCase() as Hex,
    sign: async (transaction) => (await wallet.signTransaction(transaction)) as Hex,
  };
  const deployment = await recordOf(ethers, world);
  return {
    ...world,
    ethers,
    provider,
    networkHelpers,
    wallet,
    signer,
    stream: 2,
    rpc,
    deployment,
    grantAnchorRole,
  };
}

export type TestChain = Awaited<ReturnType<typeof startChain>>;

type Contracts = Record<
  "manager" | "consortium" | "registry" | "log" | "reader",
  { getAddress(): Promise<string> }
>;

/** Contracts of the record that an oracle does not ask. */
const unused = Object.fromEntries(
  contractNames.map((name) => [name, { address: ZeroAddress, block: 0 }]),
) as Deployment["contracts"];

async function recordOf(
  ethers: { provider: { getBlock(tag: number): Promise<{ hash: string | null } | null> } },
  { manager, consortium, registry, log, reader }: Contracts,
): Promise<Deployment> {
  const genesis = await ethers.provider.getBlock(0);
  const at = async (contract: { getAddress(): Promise<string> }) => ({
    address: await contract.getAddress(),
    block: 0,
  });
  return {
    version: 1,
    chainId: 31337,
    genesisHash: genesis!.hash as Hex,
    deployedAtBlock: 0,
    contracts: {
      ...unused,
      AccessManager: await at(manager),
      Consortium: await at(consortium),
      DeviceRegistry: await at(registry),
      AnchorLog: await at(log),
      FrameReader: await at(reader),
    },
  };
}

export function connect(
  chain: TestChain,
  known?: { number: number; hash: Hex },
  rpc: string | string[] = chain.rpc.url,
): Promise<ChainConnection> {
  const options = {
    rpc,
    deployment: chain.deployment,
    logger: new TestLogger(),
    timeoutMs: 2_000,
  };
  return ChainConnection.connect({ ...options, pollMs: 20 }, known);
}

/** An empty state database. */
export function emptyState(): DatabaseSync {
  return openState(":memory:");
}

/** Stores the next closed batch, as the batcher does, with `count` frames and roots made from its number. */
export function closeBatch(db: DatabaseSync, time: number, count = 3): number {
  const last = db.prepare("SELECT batch, first, count FROM batches ORDER BY batch DESC LIMIT 1").get();
  const batch = last === undefined ? 0 : Number(last.batch) + 1;
  const first = last === undefined ? 0 : Number(last.first) + Number(last.count);
  const root = (name: string) => createHash("sha256").update(`${name} ${batch}`).digest();
  const roots = [root("frames"), root("heads"), root("rejects")] as const;
  db.prepare("INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?, 0, 0)").run(
    batch,
    first,
    count,
    time,
    time,
    ...roots,
    new Uint8Array(),
    time * 1_000,
  );
  return batch;
}

/** Intents in the order they were signed. */
export function intentsOf(db: DatabaseSync) {
  return db
    .prepare("SELECT batch, nonce, state, hash FROM intents ORDER BY id")
    .all()
    .map(({ batch, nonce, state, hash }) => ({ batch, nonce, state, hash: toHex(hash as Uint8Array) }));
}

/** Waits until `condition` holds. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  ms = 30_000,
): Promise<void> {
  const end = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/**
 * Points per CPU-second through decode, verify, leaf, tree and log append, at 1, 10 and 100 readings a frame, and Merkle leaves
 * per CPU-second, against stock parts doing the same job in the same run. Prints the tables of docs/performance.md.
 *
 *   npx tsx scripts/bench-pipeline.ts
 *
 * Every pipeline runs on one thread; CPU time is that of the whole process, so threads that write files count too. Rounds are
 * interleaved and the median is taken. Each result is checked before anything is timed.
 */
import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { fdatasyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { SimpleMerkleTree } from "@openzeppelin/merkle-tree";
import { keccak256, toUtf8Bytes, verifyMessage, Wallet } from "ethers";
import { MerkleTree as MerkleTreeJs } from "merkletreejs";
import { SegmentLog } from "../oracle/src/log/log.js";
import { toHex } from "../sdk/src/bytes.js";
import {
  decodeFrame,
  deviceIdOf,
  encodeFrame,
  encodeSenml,
  exportDeviceKey,
  frameAad,
  frameHash,
  importDeviceKey,
  signerOf,
  verifyFrame,
} from "../sdk/src/frame/index.js";
import { leafHash, leafHashes, MerkleTree, verifyInclusion } from "../sdk/src/proof/merkle.js";

const ROUNDS = 5;
const COMMIT = 1_000;
const TREE_LEAVES = 2 ** 14;
const DOMAIN = { chainId: 31337n, registry: `0x${"5f".repeat(20)}` };
const aad = frameAad(DOMAIN);
const folder = mkdtempSync(join(tmpdir(), "tenon-bench-"));

interface Reading {
  name: string;
  unit: string;
  value: number;
  time: number;
}

function readings(message: number, count: number): Reading[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `spindle/${(message + i) % 8}`,
    unit: "Cel",
    value: Math.round((60 + 8 * Math.sin(message + i / 7)) * 100) / 100,
    time: 1_767_225_600 + message + i,
  }));
}

// --- ours -----------------------------------------------------------------------------------------------------------

class Tenon {
  private readonly key: KeyObject;
  private readonly frames: Uint8Array[];
  private logged = 0;

  constructor(
    private readonly log: SegmentLog,
    perFrame: number,
  ) {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const device = exportDeviceKey(privateKey);
    const sign = signerOf(privateKey);
    this.key = importDeviceKey(device);
    let prev = new Uint8Array(32);
    this.frames = Array.from({ length: COMMIT }, (_, i) => {
      const header = {
        algorithm: -7,
        contentType: 112,
        device: deviceIdOf(device),
        epoch: 1,
        seq: BigInt(i + 1),
        prev,
        time: BigInt(1_767_225_600_000 + 1_000 * i),
        clock: "synced",
        uptime: BigInt(1_000 * i),
        beacon: null,
      } as const;
      const bytes = encodeFrame(header, encodeSenml(readings(i, perFrame)), aad, sign);
      prev = new Uint8Array(frameHash(decodeFrame(bytes), aad));
      return bytes;
    });
  }

  get bytes(): number {
    return this.frames.reduce((sum, frame) => sum + frame.length, 0);
  }

  async run(frames: Uint8Array[] = this.frames): Promise<number> {
    const leaves: Uint8Array[] = [];
    let points = 0;
    for (const bytes of frames) {
      const frame = decodeFrame(bytes);
      if (!verifyFrame(frame, aad, this.key)) throw new Error("a frame does not verify");
      frameHash(frame, aad);
      leaves.push(leafHash(bytes));
      points += frame.readings;
    }
    new MerkleTree(leaves);
    const source = "";
    const first = this.log.nextFrame;
    await this.log.append(
      frames.map((raw, i) => ({
        type: 1,
        index: first + i,
        receivedAt: this.logged++,
        lane: "telemetry",
        source,
        raw,
      })),
    );
    return points;
  }

  /** A frame with one bit of a reading changed must be refused. */
  async check(): Promise<void> {
    const spoilt = new Uint8Array(this.frames[1]!);
    spoilt[spoilt.length - 70]! ^= 1;
    await mustFail(() => this.run([spoilt]));
  }
}

// --- stock parts ----------------------------------------------------------------------------------------------------

type TreeKind = "OpenZeppelin tree" | "merkletreejs";
type LeafKind = "reading" | "message";

class Stock {
  private constructor(
    private readonly address: string,
    private readonly messages: string[],
    private readonly tree: TreeKind,
    private readonly leaf: LeafKind,
    private readonly file: number,
  ) {}

  static prepare(messages: number, perMessage: number): { address: string; wire: string[] } {
    const wallet = new Wallet(keccak256(toUtf8Bytes("bench")));
    const wire = Array.from({ length: messages }, (_, i) => {
      const body = JSON.stringify({ device: wallet.address, seq: i + 1, readings: readings(i, perMessage) });
      return JSON.stringify({ body, signature: wallet.signMessageSync(body) });
    });
    return { address: wallet.address, wire };
  }

  static of(made: ReturnType<typeof Stock.prepare>, tree: TreeKind, leaf: LeafKind): Stock {
    const file = openSync(join(folder, `stock-${tree}-${leaf}.log`), "a");
    return new Stock(made.address, made.wire, tree, leaf, file);
  }

  get bytes(): number {
    return this.messages.reduce((sum, message) => sum + Buffer.byteLength(message), 0);
  }

  async run(messages: string[] = this.messages): Promise<number> {
    const leaves: string[] = [];
    let points = 0;
    for (const wire of messages) {
      const { body, signature } = JSON.parse(wire) as { body: string; signature: string };
      if (verifyMessage(body, signature) !== this.address) throw new Error("a message does not verify");
      const parsed = JSON.parse(body) as { readings: Reading[] };
      points += parsed.readings.length;
      if (this.leaf === "message") leaves.push(keccak256(toUtf8Bytes(wire)));
      else
        for (const reading of parsed.readings) leaves.push(keccak256(toUtf8Bytes(JSON.stringify(reading))));
    }
    stockRoot(this.tree, leaves);
    writeSync(this.file, `${messages.join("\n")}\n`);
    fdatasyncSync(this.file);
    return points;
  }

  async check(): Promise<void> {
    await mustFail(() => this.run([this.messages[0]!.replace("Cel", "Far")]));
    await mustFail(() => this.run([this.messages[1]!.replace('\\"seq\\":2', '\\"seq\\":3')]));
  }
}

function keccak(data: Buffer): Buffer {
  return Buffer.from(keccak256(data).slice(2), "hex");
}

function stockRoot(tree: TreeKind, leaves: string[]): string {
  if (tree === "OpenZeppelin tree") return SimpleMerkleTree.of(leaves).root;
  return new MerkleTreeJs(leaves, keccak, { sortPairs: true }).getHexRoot();
}

// --- trees ----------------------------------------------------------------------------------------------------------

const entries = Array.from(
  { length: TREE_LEAVES },
  (_, i) => new Uint8Array(createHash("sha256").update(`${i}`).digest()),
);
const hexEntries = entries.map(toHex);
const sha256 = (data: Uint8Array) => createHash("sha256").update(data).digest();
const node = (data: Buffer) => sha256(Buffer.concat([Uint8Array.of(1), data]));

const trees = {
  tenon: () => new MerkleTree(leafHashes(entries)),
  openzeppelin: () => SimpleMerkleTree.of(hexEntries),
  merkletreejs: () =>
    new MerkleTreeJs(
      entries.map((entry) => sha256(Buffer.concat([Uint8Array.of(0), entry]))),
      node,
    ),
};

function checkTrees(): void {
  const ours = trees.tenon();
  if (trees.merkletreejs().getHexRoot() !== toHex(ours.root))
    throw new Error("merkletreejs gives another RFC 9162 root");
  for (const index of [0, 1, 777, TREE_LEAVES - 1]) {
    const claim = {
      leaf: leafHash(entries[index]!),
      index,
      size: TREE_LEAVES,
      path: ours.path(index),
      root: ours.root,
    };
    if (!verifyInclusion(claim)) throw new Error("our own path does not verify");
  }
  const oz = trees.openzeppelin();
  if (!oz.verify(777, oz.getProof(777))) throw new Error("OpenZeppelin's path does not verify");
}

// --- measuring ------------------------------------------------------------------------------------------------------

async function mustFail(action: () => Promise<unknown>): Promise<void> {
  const accepted = await action().then(
    () => true,
    () => false,
  );
  if (accepted) throw new Error("a tampered message was accepted");
}

async function cpuSeconds(action: () => unknown): Promise<number> {
  const start = process.cpuUsage();
  await action();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

/** Runs all jobs in turn, `ROUNDS` times; units per CPU-second of each, the median. */
async function measure(
  jobs: { name: string; units: number; run: () => unknown }[],
): Promise<Map<string, number>> {
  const times = new Map(jobs.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const { name, run } of jobs) {
      const seconds = await cpuSeconds(run);
      if (round > 0) times.get(name)!.push(seconds); // round 0 warms up
    }
  }
  return new Map(jobs.map(({ name, units }) => [name, units / median(times.get(name)!)]));
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

const whole = (value: number) => Math.round(value).toLocaleString("en-US");
const ratio = (value: number) => `${value.toFixed(1)} ×`;
const row = (...cells: (string | number)[]) => console.log(`| ${cells.join(" | ")} |`);

async function benchPipelines(): Promise<void> {
  const log = await SegmentLog.open(join(folder, "log"));
  row(
    "readings a frame",
    "Tenon, points/CPU-s",
    "stock, OpenZeppelin tree",
    "ratio",
    "stock, merkletreejs",
    "ratio",
    "stock, one leaf a message",
    "ratio",
    "bytes a point, Tenon : JSON",
  );
  row("---:", "---:", "---:", "---:", "---:", "---:", "---:", "---:", "---:");
  for (const [perFrame, stockMessages] of [
    [1, 120],
    [10, 100],
    [100, 60],
  ] as const) {
    const tenon = new Tenon(log, perFrame);
    const made = Stock.prepare(stockMessages, perFrame);
    const rivals = {
      oz: Stock.of(made, "OpenZeppelin tree", "reading"),
      js: Stock.of(made, "merkletreejs", "reading"),
      message: Stock.of(made, "OpenZeppelin tree", "message"),
    };
    await tenon.check();
    for (const rival of Object.values(rivals)) await rival.check();
    const units = stockMessages * perFrame;
    if ((await tenon.run()) !== COMMIT * perFrame || (await rivals.oz.run()) !== units)
      throw new Error("points are missing");
    const result = await measure([
      { name: "tenon", units: COMMIT * perFrame, run: () => tenon.run() },
      ...Object.entries(rivals).map(([name, rival]) => ({ name, units, run: () => rival.run() })),
    ]);
    const ours = result.get("tenon")!;
    const against = (name: string) => [whole(result.get(name)!), ratio(ours / result.get(name)!)];
    const bytes = `${(tenon.bytes / COMMIT / perFrame).toFixed(1)} : ${(rivals.oz.bytes / units).toFixed(1)}`;
    row(perFrame, whole(ours), ...against("oz"), ...against("js"), ...against("message"), bytes);
  }
  await log.close();
}

async function benchTrees(): Promise<void> {
  checkTrees();
  const result = await measure(
    Object.entries(trees).map(([name, run]) => ({ name, units: TREE_LEAVES, run })),
  );
  const ours = result.get("tenon")!;
  row("tree", "leaves/CPU-s", "Tenon is");
  row("---", "---:", "---:");
  row("Tenon, SHA-256, RFC 9162", whole(ours), "");
  row(
    "OpenZeppelin SimpleMerkleTree, keccak-256, sorted pairs",
    whole(result.get("openzeppelin")!),
    ratio(ours / result.get("openzeppelin")!),
  );
  row(
    "merkletreejs, SHA-256 of node:crypto, same root as Tenon's",
    whole(result.get("merkletreejs")!),
    ratio(ours / result.get("merkletreejs")!),
  );
}

function version(name: string): string {
  const file = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return `${name} ${(JSON.parse(readFileSync(file, "utf8")) as { version: string }).version}`;
}

try {
  const peers = ["ethers", "@openzeppelin/merkle-tree", "merkletreejs"].map(version).join(", ");
  const load = () => loadavg()[0]!.toFixed(1);
  console.log(`Node ${process.versions.node}, OpenSSL ${process.versions.openssl}, ${peers}.`);
  console.log(`${cpus()[0]!.model}, ${cpus().length} threads, load ${load()} at the start.\n`);
  await benchPipelines();
  console.log();
  await benchTrees();
  console.log(`\nLoad ${load()} at the end.`);
} finally {
  rmSync(folder, { recursive: true });
}

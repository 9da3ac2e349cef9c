import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { JsonRpcProvider, Wallet } from "ethers";
import type { AnchorData } from "../sdk/src/anchor.js";
import { toHex } from "../sdk/src/bytes.js";
import { createTenon } from "../sdk/src/client.js";
import { type Deployment, loadDeployment } from "../sdk/src/deployment.js";
import { type DeviceSigner, loadKey } from "../sdk/src/device/key.js";
import { decodeFrame, encodeFrame, frameAad, frameHash, meterPayload } from "../sdk/src/frame/index.js";
import { proofToJson } from "../sdk/src/proof/form.js";
import { headsTree } from "../sdk/src/proof/heads.js";
import { leafHash, MerkleTree } from "../sdk/src/proof/merkle.js";
import { rejectsTree } from "../sdk/src/proof/rejects.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const hardhat = join(root, "node_modules/hardhat/dist/src/cli.js");

export interface StoryOptions {
  /** JSON-RPC address of the network. */
  rpc: string;
  /** Private key of the deployer; accounts need no coins. */
  key: string;
  log: (line: string) => void;
}

/**
 * The thread on a real network, by the tasks and the SDK a user has: deploy and seal, deploy again, register a device,
 * anchor three frames, verify one with the task and by the contract, and refuse a changed one. Everything but the
 * contracts is thrown away at the end. Throws at the first thing that does not hold.
 */
export async function tellStory({ rpc, key, log }: StoryOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "tenon-network-"));
  try {
    const [admin, registrar, guardian, maker, oracle] = Array.from({ length: 5 }, () =>
      Wallet.createRandom(),
    );
    const task = taskRunner(rpc, folder);
    writeFileSync(join(folder, "members.json"), JSON.stringify(members(maker!.address, oracle!.address)));
    const deploy = ["deploy", "--members", join(folder, "members.json"), "--json"];
    const holders = [
      "--admin",
      admin!.address,
      "--registrar",
      registrar!.address,
      "--guardian",
      guardian!.address,
    ];
    const first = await task(key, [...deploy, ...holders]);
    log(`deployed and sealed in ${first.sent} transactions`);
    const again = await task(key, deploy);
    if (again.sent !== 0) throw new Error(`deploying again sent ${again.sent} transactions`);
    log("deployed again: nothing was sent");

    const keyFile = join(folder, "device.pem");
    const registered = await task(maker!.privateKey, [
      "device",
      "register",
      "--key",
      keyFile,
      "--owner",
      "1",
      "--json",
    ]);
    const shown = await task(key, ["device", "show", registered.device as string, "--json"]);
    if (shown.status !== "Active") throw new Error(`the device is ${shown.status} after its registration`);
    log(`registered device ${registered.device} in block ${registered.block}`);

    const provider = new JsonRpcProvider(rpc, undefined, { pollingInterval: 500, cacheTimeout: -1 });
    try {
      const deployment = loadDeployment(first.path as string);
      const signer = new Wallet(oracle!.privateKey, provider);
      const file = join(folder, "proof.json");
      await anchorFrames({ signer, deployment, device: loadKey(keyFile), file, log });
      const { next, size } = await task(key, ["anchor", "show", "--json"]);
      if (next !== 1 || size !== "3") throw new Error(`the stream holds ${next} batches and ${size} frames`);
      await verify(task, key, file, log);
    } finally {
      provider.destroy();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

type Task = (key: string, args: string[]) => Promise<Record<string, unknown>>;

/** Runs a task on network `besu` with an account of its own; the answer is the last line, JSON. */
function taskRunner(rpc: string, folder: string): Task {
  return async (key, args) => {
    const all = [hardhat, "--network", "besu", ...args, "--record", join(folder, "deployments")];
    const env = { ...process.env, TENON_BESU_RPC: rpc, TENON_BESU_KEY: key };
    const { stdout } = await promisify(execFile)(process.execPath, all, { cwd: root, env });
    return JSON.parse(stdout.trim().split("\n").at(-1)!) as Record<string, unknown>;
  };
}

function members(maker: string, oracle: string) {
  const signatory = (address: string, role: string) => [{ address, roles: [{ role, days: 30 }] }];
  return {
    organisations: [
      { name: "Maker", code: "91310000MA1K35T21X", signatories: signatory(maker, "Manufacturer") },
      { name: "Oracle", code: "5493001KJTIIGC8Y1R12", signatories: signatory(oracle, "Anchor") },
    ],
    streams: [{ key: oracle }],
  };
}

interface AnchorWork {
  signer: Wallet;
  deployment: Deployment;
  device: DeviceSigner;
  /** Where the proof of the second frame goes. */
  file: string;
  log: (line: string) => void;
}

async function anchorFrames({ signer, deployment, device, file, log }: AnchorWork): Promise<void> {
  const tenon = await createTenon({ signer, deployment });
  const block = await signer.provider!.getBlock("latest");
  const now = BigInt(Math.min(block!.timestamp, Math.floor(Date.now() / 1000)));
  const { frames, head } = threeFrames(device, deployment, now);
  const tree = new MerkleTree(frames.map(leafHash));
  const batch: AnchorData = {
    stream: 1,
    batch: 0,
    first: 0n,
    count: frames.length,
    minTime: now,
    maxTime: now,
    framesRoot: toHex(tree.root),
    headsRoot: toHex(
      headsTree([{ device: device.id, epoch: 1, contiguous: 3n, hash: head, highest: 3n }]).root,
    ),
    rejectsRoot: toHex(rejectsTree([]).root),
  };
  const { at } = await tenon.telemetry.anchor(batch).wait();
  log(`anchored ${frames.length} frames in block ${at.block}`);

  const place = { frame: toHex(frames[1]!), stream: 1, batch: 0, index: 1, path: tree.path(1).map(toHex) };
  const proof = await tenon.telemetry.completeProof(place);
  const { seq } = await tenon.telemetry.verifyFrame(proof, device.key);
  log(`the contract verified frame ${seq} with the device's own signature`);
  writeFileSync(file, proofToJson(proof));
}

/** Three readings of a running meter, chained. */
function threeFrames(device: DeviceSigner, deployment: Deployment, now: bigint) {
  const domain = {
    chainId: BigInt(deployment.chainId),
    registry: deployment.contracts.DeviceRegistry.address,
  };
  const aad = frameAad(domain);
  const frames: Uint8Array[] = [];
  let prev: Uint8Array = new Uint8Array(32);
  for (const seq of [1n, 2n, 3n]) {
    const payload = meterPayload({ name: "runtime", unit: "s", value: 3_600n * seq, time: now });
    const header = {
      algorithm: device.algorithm,
      contentType: 112,
      device: device.id,
      epoch: 1,
      seq,
      prev,
      time: 1_000n * now,
      clock: "synced",
      uptime: 1_000n * seq,
      beacon: null,
    } as const;
    const frame = encodeFrame(header, payload, aad, device.sign);
    prev = frameHash(decodeFrame(frame), aad);
    frames.push(frame);
  }
  return { frames, head: prev };
}

async function verify(task: Task, key: string, file: string, log: (line: string) => void): Promise<void> {
  const { steps } = await task(key, ["frame", "verify", file, "--rpc", "--json"]);
  for (const { name, detail } of steps as { name: string; detail: string }[]) log(`✓ ${name}: ${detail}`);
  const proof = JSON.parse(readFileSync(file, "utf8")) as { index: number };
  writeFileSync(file, JSON.stringify({ ...proof, index: proof.index - 1 }));
  const refused = await task(key, ["frame", "verify", file, "--rpc", "--json"]).then(
    () => false,
    ({ stderr = "" }: { stderr?: string }) => stderr.includes("ProofInvalid: ") && !/\n\s+at /.test(stderr),
  );
  if (!refused) throw new Error("a proof with a wrong index was not refused in words");
  log("refused the same proof with a wrong index");
}

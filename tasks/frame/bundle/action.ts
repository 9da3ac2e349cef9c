import { writeFileSync } from "node:fs";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { fromHex, type Hex } from "../../../sdk/src/bytes.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { type DeviceKey, decodeFrame } from "../../../sdk/src/frame/index.js";
import { frameProofFrom, proofToJson } from "../../../sdk/src/proof/form.js";
import { buildOfflineBundle, verifyOffline } from "../../../sdk/src/proof/offline.js";
import { rpcSource } from "../../../sdk/src/rpc.js";
import { answering } from "../../run.js";
import { toJson, withTenon } from "../../tenon.js";
import { readProof, trustedValidators } from "../files.js";

interface BundleArguments {
  file: string;
  out: string | undefined;
  validators: string | undefined;
  trustedValidators: string | undefined;
  record: string | undefined;
  json: boolean;
}

export default async (args: BundleArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  answering(async () => {
    const frame = frameProofFrom(readProof(args.file));
    const given = trustedValidators(args);
    const out = args.out ?? "bundle.json";
    await withTenon(hre, args.record, async ({ devices, deployment }, { ethers }) => {
      const { device } = decodeFrame(fromHex(frame.frame)).header;
      const key = await keyOf(device, devices);
      const trust = { deployment, ...given };
      const bundle = await buildOfflineBundle(rpcSource(ethers.provider), frame, key, trust);
      const text = `${proofToJson(bundle)}\n`;
      writeNew(out, text);
      const steps = verifyOffline(bundle, trust);
      if (args.json) console.log(toJson({ file: out, bytes: text.length, steps }));
      else {
        for (const { name, detail } of steps) console.log(`✓ ${name.padEnd(16)} ${detail}`);
        console.log(`${out}: ${text.length} bytes prove the frame. Check them anywhere, without a node:`);
        console.log(`  npx hardhat frame verify --offline ${out}`);
      }
    });
  });

async function keyOf(device: Hex, devices: { history(id: Hex): Promise<object[]> }): Promise<DeviceKey> {
  for (const entry of await devices.history(device)) if ("key" in entry) return entry.key as DeviceKey;
  throw new TenonError("DeviceUnknown", "The registry never heard of the frame's device", {
    args: { device },
    remedy: "Name the network of the proof with --network.",
  });
}

function writeNew(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: "wx" });
  } catch (cause) {
    throw new TenonError("FileNotWritten", "The bundle cannot be written", {
      args: { file, reason: cause instanceof Error ? cause.message : cause },
      remedy: "Name another file with --out.",
      cause,
    });
  }
}

import { readFileSync } from "node:fs";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { createTenon } from "../../../sdk/src/client.js";
import type { DeviceDocument } from "../../../sdk/src/did/publication.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { answering } from "../../run.js";
import { signerFor } from "../../signer.js";
import { print, withTenon } from "../../tenon.js";
import { deviceGiven } from "../device.js";

interface PublishArguments {
  device: string;
  document: string | undefined;
  from: string | undefined;
  record: string | undefined;
  json: boolean;
}

export default async (args: PublishArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  answering(async () => {
    const document = documentIn(args.document);
    await withTenon(hre, args.record, async ({ deployment }, { ethers }) => {
      const signer = await signerFor(ethers, args.from);
      const { did } = await createTenon({ signer, deployment });
      const published = await did.publish(deviceGiven(args.device, deployment), document).wait();
      const { device, number, epoch, documentHash, at } = published;
      print({ did: did.ofDevice(device), number, epoch, documentHash, block: at.block }, args.json);
    });
  });

function documentIn(path: string | undefined): DeviceDocument {
  try {
    if (path === undefined) throw new TypeError("no file is named");
    return JSON.parse(readFileSync(path, "utf8")) as DeviceDocument;
  } catch (cause) {
    throw new TenonError("DocumentUnreadable", "The document to publish cannot be read", {
      args: { document: path, reason: cause instanceof Error ? cause.message : cause },
      remedy: "Name a JSON file with --document; docs/did-method.md shows one.",
      cause,
    });
  }
}

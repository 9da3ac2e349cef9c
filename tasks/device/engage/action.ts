import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Hex } from "../../../sdk/src/bytes.js";
import { loadKey } from "../../../sdk/src/device/key.js";
import { type ActingArguments, acting } from "../acting.js";
import { required } from "../options.js";

interface EngageArguments extends ActingArguments {
  id: string;
  key: string | undefined;
}

export default async (args: EngageArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  acting(args, hre, async ({ tenon: { devices }, now }) => {
    const signer = loadKey(required("key", args.key, "the device's key file"));
    const engagement = await devices.engagement(args.id as Hex, now + 3_600);
    const proof = signer.signEngagement(engagement);
    const { owner, epoch, at } = await devices.engage(engagement, signer.key, proof).wait();
    return { device: args.id, owner, epoch, block: at.block };
  });

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Hex } from "../../../sdk/src/bytes.js";
import { type ActingArguments, acting } from "../../device/acting.js";

export default async (
  args: ActingArguments & { id: string },
  hre: HardhatRuntimeEnvironment,
): Promise<void> =>
  acting(args, hre, async ({ tenon: { devices } }) => {
    const { by, at } = await devices.allowAccess(args.id as Hex).wait();
    return { device: args.id, accessStopped: false, by, block: at.block, transaction: at.transaction };
  });

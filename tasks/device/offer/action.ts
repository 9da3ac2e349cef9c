import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Hex } from "../../../sdk/src/bytes.js";
import { type ActingArguments, acting } from "../acting.js";
import { required } from "../options.js";

interface OfferArguments extends ActingArguments {
  id: string;
  to: number;
  days: number;
}

export default async (args: OfferArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  acting(args, hre, async ({ tenon: { devices }, now }) => {
    const to = required("to", args.to, "the number of an organisation");
    const { id, from, until, at } = await devices
      .offer(args.id as Hex, to, now + Math.round(args.days * 86_400))
      .wait();
    return { device: id, from, to, until: new Date(1000 * until).toISOString(), block: at.block };
  });

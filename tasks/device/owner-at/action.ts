import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Hex } from "../../../sdk/src/bytes.js";
import { wholeNumber } from "../../options.js";
import { answering } from "../../run.js";
import { print, withTenon } from "../../tenon.js";
import { required, timeOf } from "../options.js";

interface OwnerAtArguments {
  id: string;
  time: string | undefined;
  block: string | undefined;
  record: string | undefined;
  json: boolean;
}

export default async (args: OwnerAtArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  answering(() =>
    withTenon(hre, args.record, async ({ devices }) => {
      const block = wholeNumber("block", args.block);
      const at =
        block === undefined
          ? { time: timeOf("time", required("time", args.time, "a time of the past, or --block")) }
          : { block };
      const device = args.id as Hex;
      const epoch = await devices.epochAt(device, at);
      const owner = (await devices.ownerAt(device, at)) ?? "nobody: it was not registered yet";
      print({ device, ...at, epoch, owner }, args.json);
    }),
  );

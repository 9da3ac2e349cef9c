import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { numberOf } from "../../options.js";
import { perform, type WriteArguments } from "../../perform.js";

interface Arguments extends WriteArguments {
  order: string;
}

export default (args: Arguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  perform(
    hre,
    args,
    ({ orders }) => orders.lift(numberOf("order", args.order)),
    ({ id, by, at }) => ({ order: id, lifted: true, by, ...at }),
  );

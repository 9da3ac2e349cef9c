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
    ({ eligibility }) => eligibility.unfreeze(numberOf("order", args.order)),
    ({ step, holder, order, until, at }) => ({ [step]: holder, order, until, ...at }),
  );

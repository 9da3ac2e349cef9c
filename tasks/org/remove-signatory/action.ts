import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { perform, type WriteArguments } from "../../perform.js";

interface Arguments extends WriteArguments {
  account: string;
}

export default (args: Arguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  perform(
    hre,
    args,
    ({ orgs }) => orgs.removeSignatory(args.account),
    ({ organisation, at }) => ({ organisation, removed: args.account, ...at }),
  );

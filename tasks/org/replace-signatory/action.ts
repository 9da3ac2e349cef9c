import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { perform, type WriteArguments } from "../../perform.js";

interface Arguments extends WriteArguments {
  lost: string;
  replacement: string;
}

export default (args: Arguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  perform(
    hre,
    args,
    ({ orgs }) => orgs.replaceSignatory(args.lost, args.replacement),
    ({ organisation, at }) => ({ organisation, removed: args.lost, added: args.replacement, ...at }),
  );

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { ContractName } from "../../../sdk/src/deployment.js";
import { perform, type WriteArguments } from "../../perform.js";

interface Arguments extends WriteArguments {
  contract: string;
  actions: string | undefined;
}

export default (args: Arguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  perform(
    hre,
    args,
    ({ admin }) => admin.unpause(args.contract as ContractName, (args.actions ?? "").split(",")),
    ({ transaction }) => ({ unpaused: args.actions, transaction }),
  );

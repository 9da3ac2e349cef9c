import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Role } from "../../../sdk/src/consortium/orgs.js";
import { perform, type WriteArguments } from "../../perform.js";

interface Arguments extends WriteArguments {
  role: string;
}

export default (args: Arguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  perform(
    hre,
    args,
    ({ orgs }) => orgs.forfeit(args.role as Role),
    ({ organisation, at }) => ({ organisation, forfeited: args.role, ...at }),
  );

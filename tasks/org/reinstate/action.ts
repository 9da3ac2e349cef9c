import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { organisationOf, perform, type WriteArguments } from "../../perform.js";

interface Arguments extends WriteArguments {
  organisation: string;
}

export default (args: Arguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  perform(
    hre,
    args,
    ({ orgs }) => orgs.reinstate(organisationOf(args.organisation)),
    ({ organisation, at }) => ({ organisation, status: "Active", ...at }),
  );

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { organisationOf, perform, type WriteArguments } from "../../perform.js";

interface Arguments extends WriteArguments {
  organisation: string;
  account: string;
}

export default (args: Arguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  perform(
    hre,
    args,
    ({ orgs }) => orgs.addSignatory(organisationOf(args.organisation), args.account),
    ({ organisation, at }) => ({ organisation, added: args.account, ...at }),
  );

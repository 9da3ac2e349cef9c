import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { holderOf } from "../../../sdk/src/devices/registration.js";
import { perform, type WriteArguments } from "../../perform.js";

interface Arguments extends WriteArguments {
  code: string;
  group: string | undefined;
}

export default (args: Arguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  perform(
    hre,
    args,
    ({ orgs }) =>
      orgs.admit({ code: args.code, ...(args.group === undefined ? {} : { controlGroup: args.group }) }),
    (organisation) => ({ organisation, holder: holderOf(organisation) }),
  );

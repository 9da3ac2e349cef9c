import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Hex } from "../../../sdk/src/bytes.js";
import { type ActingArguments, acting } from "../../device/acting.js";
import { granteeFrom, granteeText } from "../given.js";

interface RevokeArguments extends ActingArguments {
  id: string;
  grantee: string | undefined;
}

export default async (args: RevokeArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  acting(args, hre, async ({ tenon: { access }, account }) => {
    const grantee = granteeFrom(args.grantee, account);
    const { device, rev, by, at } = await access.revoke(args.id as Hex, grantee).wait();
    return { device, grantee: granteeText(grantee), rev, by, block: at.block, transaction: at.transaction };
  });

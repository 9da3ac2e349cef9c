import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Hex } from "../../../sdk/src/bytes.js";
import { type ActingArguments, acting } from "../../device/acting.js";
import { required } from "../../device/options.js";
import { granteeFrom, granteeText } from "../given.js";

interface RedeemArguments extends ActingArguments {
  id: string;
  token: string | undefined;
  grantee: string | undefined;
  requester: string | undefined;
}

export default async (args: RedeemArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  acting(args, hre, async ({ tenon: { access }, account }) => {
    const requester = args.requester ?? account;
    const token = required("token", args.token, "the token that access request printed") as Hex;
    const grantee = granteeFrom(args.grantee, requester);
    const { permissions, by, at } = await access
      .redeem({ device: args.id as Hex, grantee, requester, token })
      .wait();
    const words = {
      device: args.id,
      grantee: granteeText(grantee),
      requester,
      permissions: permissions.join(", "),
    };
    return { ...words, token, by, block: at.block, transaction: at.transaction };
  });

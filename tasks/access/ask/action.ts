import { randomBytes } from "node:crypto";
import { keccak256 } from "ethers";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { type Hex, toHex } from "../../../sdk/src/bytes.js";
import { type ActingArguments, acting } from "../../device/acting.js";
import { granteeFrom, granteeText, permissionsFrom } from "../options.js";

interface AskArguments extends ActingArguments {
  id: string;
  permissions: string | undefined;
  grantee: string | undefined;
  purpose: string | undefined;
}

export default async (args: AskArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  acting(args, hre, async ({ tenon: { access }, account }) => {
    const permissions = permissionsFrom(args.permissions);
    const grantee = granteeFrom(args.grantee, account);
    const { purpose } = args;
    const salt = randomBytes(32);
    const text = Buffer.from(purpose ?? "", "utf8");
    const hash = purpose === undefined ? undefined : (keccak256(Buffer.concat([salt, text])) as Hex);
    const asked = await access.ask({ device: args.id as Hex, grantee, permissions }, hash).wait();
    return {
      device: asked.device,
      grantee: granteeText(grantee),
      permissions: permissions.join(", "),
      ...(purpose === undefined ? {} : { purpose, salt: toHex(salt) }),
      block: asked.at.block,
      transaction: asked.at.transaction,
    };
  });

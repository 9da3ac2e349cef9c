import { task } from "hardhat/config";
import { deviceArgument, fromOption } from "../../device/options.js";
import { jsonFlag, optional, recordOption } from "../../options.js";
import { granteeOption } from "../options.js";

export const accessRedeem = task(
  ["access", "redeem"],
  "Uses a token up: as its requester, or as a signatory of the owner",
)
  .addPositionalArgument(deviceArgument)
  .addOption(optional("token", "The token: 0x and 64 hex digits"))
  .addOption(granteeOption)
  .addOption(optional("requester", "The account that asked for the token (own account unless given)"))
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();

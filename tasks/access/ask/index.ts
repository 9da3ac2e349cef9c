import { task } from "hardhat/config";
import { deviceArgument, fromOption } from "../../device/options.js";
import { jsonFlag, optional, recordOption } from "../../options.js";
import { granteeOption, permissionsOption } from "../options.js";

export const accessAsk = task(["access", "ask"], "Asks a device's owner for access")
  .addPositionalArgument(deviceArgument)
  .addOption(permissionsOption)
  .addOption(
    optional("service", "Instead of permissions: a service that the device's DID document offers, by its id"),
  )
  .addOption(granteeOption)
  .addOption(
    optional(
      "purpose",
      "What for; only its salted hash goes on chain, the text and the salt are printed for the owner",
    ),
  )
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();

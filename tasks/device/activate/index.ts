import { task } from "hardhat/config";
import { jsonFlag, optional, recordOption } from "../../options.js";
import { fromOption, organisationOption } from "../options.js";

export const deviceActivate = task(
  ["device", "activate"],
  "Brings a device in as its first owner, by its factory list, its activation file, or its maker's voucher",
)
  .addPositionalArgument({ name: "file", description: "A factory list, an activation or a voucher" })
  .addOption(optional("key", "The device's private key, PEM: it signs that it shall belong to --owner"))
  .addOption(organisationOption("owner", "Number of the organisation that will own it"))
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();

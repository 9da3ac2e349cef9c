import { task } from "hardhat/config";
import { fromOption } from "../../device/options.js";
import { jsonFlag, optional, recordOption } from "../../options.js";
import { organisationOption } from "../options.js";

export const accessAnchor = task(
  ["access", "anchor"],
  "Anchors what is new in a journal of accesses, a device's or a gateway's",
)
  .addPositionalArgument({ name: "file", description: "The journal" })
  .addOption(optional("device", "The device whose journal it is"))
  .addOption(optional("gateway", "Or the name of the gateway that keeps it"))
  .addOption(organisationOption)
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();

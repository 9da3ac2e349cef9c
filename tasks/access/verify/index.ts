import { task } from "hardhat/config";
import { jsonFlag, optional, recordOption } from "../../options.js";
import { organisationOption } from "../options.js";

export const accessVerify = task(
  ["access", "verify"],
  "Holds a journal of accesses against what is anchored of it",
)
  .addPositionalArgument({ name: "file", description: "The journal" })
  .addOption(optional("device", "The device whose journal it is"))
  .addOption(optional("gateway", "Or the name of the gateway that keeps it"))
  .addOption(organisationOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();

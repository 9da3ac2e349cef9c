import { task } from "hardhat/config";
import { jsonFlag, optional, recordOption } from "../../options.js";
import { daysOption, deviceArgument, fromOption, organisationOption } from "../options.js";

export const deviceTransfer = task(
  ["device", "transfer"],
  "Hands a device over with both signatures: the first party writes --file, the second signs it and sends",
)
  .addPositionalArgument(deviceArgument)
  .addOption(organisationOption("to", "Number of the new owner; for the party that begins"))
  .addOption(optional("file", "The hand-over: made by the first party, signed and sent by the second"))
  .addOption(daysOption("days", "How long the signatures count", 7))
  .addFlag({ name: "keep", description: "Add the signature, do not send" })
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();

import { task } from "hardhat/config";
import { jsonFlag, recordOption } from "../../options.js";
import { daysOption, deviceArgument, fromOption, organisationOption } from "../options.js";

export const deviceOffer = task(["device", "offer"], "Offers a device to another organisation")
  .addPositionalArgument(deviceArgument)
  .addOption(organisationOption("to", "Number of the organisation it is offered to"))
  .addOption(daysOption("days", "How long it may be accepted", 14))
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();

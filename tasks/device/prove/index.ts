import { task } from "hardhat/config";
import { jsonFlag, optional, recordOption } from "../../options.js";
import { daysOption, organisationOption } from "../options.js";

export const deviceProve = task(
  ["device", "prove"],
  "Lets a device's key sign its registration and prints the application, a line for device enrol --batch",
)
  .addOption(optional("key", "The device's private key, PEM"))
  .addOption(organisationOption("owner", "Number of the organisation that will own it"))
  .addOption(optional("parameters", "Salted hash of make, model, serial number …: 0x and 64 hex digits"))
  .addOption(optional("certificate", "Factory certificate, PEM or DER; its SHA-256 is registered"))
  .addOption(daysOption("days", "How long the proof counts", 30))
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();

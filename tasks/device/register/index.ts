import { task } from "hardhat/config";
import { ArgumentType } from "hardhat/types/arguments";
import { jsonFlag, optional, recordOption } from "../../options.js";

export const deviceRegister = task(
  ["device", "register"],
  "Registers a device: its key signs that it shall belong to --owner, a manufacturer's signatory sends that",
)
  .addOption(optional("key", "The device's private key, PEM; made there when the file does not exist"))
  .addOption({
    name: "owner",
    description: "Number of the organisation that will own it (the deployment record lists them)",
    type: ArgumentType.INT,
    defaultValue: 0,
  })
  .addOption(
    optional("from", "Account that sends, a manufacturer's signatory (the network's first unless given)"),
  )
  .addOption(optional("parameters", "Salted hash of make, model, serial number …: 0x and 64 hex digits"))
  .addOption(optional("certificate", "Factory certificate, PEM or DER; its SHA-256 is registered"))
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();

import { task } from "hardhat/config";
import { jsonFlag, optional, recordOption } from "../../options.js";
import { daysOption, fromOption, organisationOption } from "../options.js";

export const deviceVoucher = task(
  ["device", "voucher"],
  "Signs the maker's word that a device may enter; nothing is sent, the file goes with the device",
)
  .addOption(
    optional("publicKey", "The device's public key: a point or a SubjectPublicKeyInfo, hex or base64"),
  )
  .addOption(optional("key", "Instead: the device's key file, PEM"))
  .addOption(optional("parameters", "Salted hash of make, model, serial number …: 0x and 64 hex digits"))
  .addOption(optional("certificate", "Factory certificate, PEM or DER; its SHA-256 is registered"))
  .addOption(
    organisationOption("buyer", "The only organisation that may use it; 0 is whoever holds the device"),
  )
  .addOption(daysOption("days", "How long the voucher counts", 365))
  .addOption(optional("out", "The file to write"))
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();

import { task } from "hardhat/config";
import { jsonFlag, optional, recordOption } from "../../options.js";
import { daysOption, fromOption, organisationOption } from "../options.js";

export const deviceEnrol = task(
  ["device", "enrol"],
  "Enrols many devices: a whole production run by one root (--list), or every device with its own proof (--batch)",
)
  .addOption(
    optional(
      "list",
      "Production run: CSV, JSON Lines or JSON with publicKey, salt, serial … (- reads stdin)",
    ),
  )
  .addOption(optional("batch", "Applications, one JSON object a line, as device prove writes them"))
  .addOption(optional("out", "With --list: file for the list, that the devices are activated from"))
  .addOption(optional("activations", "With --list: folder for one small activation file a device"))
  .addOption(
    organisationOption(
      "buyer",
      "With --list: the only organisation that may activate; 0 is whoever holds it",
    ),
  )
  .addOption(daysOption("days", "With --list: how long devices may be activated", 365))
  .addFlag({ name: "dry", description: "With --list: make the files and the root, send nothing" })
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();

import { task } from "hardhat/config";
import { jsonFlag, optional, recordOption } from "../../options.js";
import { keyOption } from "../options.js";

export const accessOfflinePass = task(
  ["access", "offline-pass"],
  "Issues a signed pass in the form that a device checks without a network",
)
  .addPositionalArgument({ name: "file", description: "The signed pass, as access sign-pass wrote it" })
  .addOption(keyOption)
  .addOption(
    optional(
      "requester",
      "PEM file with the requester's key, public or private: it will have to be shown with the pass",
    ),
  )
  .addOption(optional("out", "File to write the offline pass to (pass.cose unless given)"))
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();

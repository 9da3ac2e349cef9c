import { task } from "hardhat/config";
import { jsonFlag, optional, recordOption } from "../../options.js";

export const didPublish = task(
  ["did", "publish"],
  "Publishes a device's interfaces, further keys and other names, in place of what was published before",
)
  .addPositionalArgument({ name: "device", description: "The device's DID or its id" })
  .addOption(
    optional(
      "document",
      "JSON file with interfaces, keys and alsoKnownAs (docs/did-method.md); {} withdraws",
    ),
  )
  .addOption(
    optional("from", "Account that sends, a device manager of the owner (the network's first unless given)"),
  )
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();

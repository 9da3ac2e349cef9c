import { task } from "hardhat/config";
import { optional } from "../../options.js";
import { passphraseOption } from "../passphrase.js";

export const networkRestore = task(
  ["network", "restore"],
  "Puts a node back from its backup; --check only proves that it could",
)
  .addOption(optional("file", "The backup"))
  .addOption(optional("dir", "The node's network, or an empty folder for all of it"))
  .addFlag({ name: "check", description: "Restore into a folder of its own, open it with Besu, delete it" })
  .addFlag({
    name: "oldNodeIsGone",
    description: "You made sure that the validator this copy was made of never runs again",
  })
  .addOption(passphraseOption)
  .setAction(() => import("./action.js"))
  .build();

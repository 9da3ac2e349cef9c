import { task } from "hardhat/config";
import { optional } from "../../options.js";
import { dirOption } from "../bundle.js";
import { passphraseOption } from "../passphrase.js";

export const networkBackup = task(
  ["network", "backup"],
  "Writes a node's key and data into one encrypted file; stops the node meanwhile",
)
  .addOption(optional("node", "The node's name"))
  .addOption(optional("out", "File to write; must not exist"))
  .addOption(passphraseOption)
  .addOption(dirOption)
  .setAction(() => import("./action.js"))
  .build();

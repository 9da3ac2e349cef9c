import { task } from "hardhat/config";
import { optional } from "../../options.js";
import { dirOption } from "../bundle.js";

export const networkAddValidator = task(
  ["network", "add-validator"],
  "Makes a node a validator: made, listed, started, synced, voted in; run it again to go on",
)
  .addOption(
    optional("node", "A node of the network by name (a new one is made in this folder unless given)"),
  )
  .addOption(optional("host", "A new node's IP address (that of your other nodes)"))
  .addOption(optional("port", "A new node's first port of ten (the next free ones)"))
  .addOption(dirOption)
  .setAction(() => import("./action.js"))
  .build();

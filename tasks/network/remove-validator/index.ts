import { task } from "hardhat/config";
import { dirOption } from "../bundle.js";

export const networkRemoveValidator = task(
  ["network", "remove-validator"],
  "Votes a validator out; its node goes on as one that follows",
)
  .addPositionalArgument({ name: "node", description: "The validator's name, or its address" })
  .addOption(dirOption)
  .setAction(() => import("./action.js"))
  .build();

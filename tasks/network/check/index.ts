import { task } from "hardhat/config";
import { jsonFlag } from "../../options.js";

export const networkCheck = task(
  ["network", "check"],
  "Says what is wrong with a genesis file; exit code 1 when a network must not start with it",
)
  .addPositionalArgument({ name: "file", description: "A genesis.json, or the folder of a network" })
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();

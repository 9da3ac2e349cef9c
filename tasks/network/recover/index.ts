import { task } from "hardhat/config";
import { jsonFlag, optional } from "../../options.js";
import { dirOption } from "../bundle.js";

export const networkRecover = task(
  ["network", "recover"],
  "Brings a chain back that stands: starts what is down, restarts the validators, says what the pool lost",
)
  .addOption(dirOption)
  .addOption(optional("wait", "Seconds to wait for blocks once the nodes answer (120)"))
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();

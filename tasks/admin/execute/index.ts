import { task } from "hardhat/config";

import { fromOption, jsonFlag, recordOption } from "../../options.js";

export const adminExecute = task(["admin", "execute"], "Does every act that --from announced and that is due")
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();

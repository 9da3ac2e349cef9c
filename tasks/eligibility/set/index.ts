import { task } from "hardhat/config";
import { fromOption, jsonFlag, optional, recordOption, signOption } from "../../options.js";

export const eligibilitySet = task(
  ["eligibility", "set"],
  "Says which classes of assets an organisation may take on (registrar)",
)
  .addPositionalArgument({ name: "organisation", description: "Number of the organisation" })
  .addPositionalArgument({
    name: "classes",
    description:
      "cash, notes, income, recycling, machines or numbers from 5 to 31, with commas between; none for none",
  })
  .addOption(optional("until", "Its end, YYYY-MM-DD (UTC)"))
  .addOption(optional("days", "Or the number of days from now"))
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();

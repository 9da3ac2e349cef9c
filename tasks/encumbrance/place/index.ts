import { task } from "hardhat/config";
import { fromOption, jsonFlag, optional, recordOption, signOption } from "../../options.js";

export const encumbrancePlace = task(
  ["encumbrance", "place"],
  "Binds an asset (device manager of its holder), or holds it by --order (anyone)",
)
  .addPositionalArgument({
    name: "asset",
    description: "Id of the asset: 0x and 64 hex digits; of a device the device id",
  })
  .addOption(optional("kind", "Pledge, Lease, Sale or Other"))
  .addOption(optional("beneficiary", "Number of the organisation it is bound to"))
  .addOption(optional("rank", "The rank that the beneficiary counts on (1 unless given)"))
  .addOption(optional("until", "Its end, YYYY-MM-DD (UTC)"))
  .addOption(optional("days", "Or the number of days from now"))
  .addOption(optional("order", "Holds it by this Hold order, which needs none of the above"))
  .addOption(
    optional("module", "Contract that keeps the asset, by name or address (DeviceRegistry unless given)"),
  )
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();

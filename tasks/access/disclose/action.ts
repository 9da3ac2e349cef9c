import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Hex } from "../../../sdk/src/bytes.js";
import { type ActingArguments, acting } from "../../device/acting.js";
import { required } from "../../device/options.js";
import { wholeNumber } from "../../options.js";
import { granteeFrom, granteeText, readerFrom } from "../given.js";

interface DiscloseArguments extends ActingArguments {
  id: string;
  grantee: string | undefined;
  organisation: string | undefined;
  key: string | undefined;
  order: string | undefined;
}

export default async (args: DiscloseArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  acting(args, hre, async ({ tenon: { access }, account }) => {
    const grantee = granteeFrom(required("grantee", args.grantee, "whose pass it is"), account);
    const organisation = required("organisation", args.organisation, "the regulator's number");
    const reader = readerFrom(organisation, required("key", args.key, "the regulator's disclosure key"));
    const order = wholeNumber("order", args.order);
    const { endpoint, reading } = await access.disclose(args.id as Hex, grantee, reader, order);
    const { at } = reading;
    return {
      device: args.id,
      grantee: granteeText(grantee),
      endpoint,
      logged: at.transaction,
      block: at.block,
    };
  });

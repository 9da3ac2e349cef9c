import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { acting } from "../../device/acting.js";
import { required } from "../../device/options.js";
import { granteeFrom, granteeText, readerFrom } from "../given.js";
import { orderOf, type PassArguments, passText } from "../order.js";

interface DelegateArguments extends PassArguments {
  own: string | undefined;
  organisation: string | undefined;
  key: string | undefined;
}

/** With --organisation and --key, the endpoint of the own pass is opened and sealed to the new grantee as well. */
export default async (args: DelegateArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  acting(args, hre, async ({ tenon: { access }, account, now }) => {
    const from = granteeFrom(args.own, account);
    const order = orderOf(args, account, now);
    const { key, organisation } = args;
    const reader =
      key === undefined
        ? {}
        : { reader: readerFrom(required("organisation", organisation, "its number"), key) };
    const prepared = await access.prepareDelegation({ ...order, from, ...reader });
    const { at } = await access.delegate(from, prepared).wait();
    const words = passText({ ...prepared.pass, ...order });
    return { ...words, from: granteeText(from), block: at.block, transaction: at.transaction };
  });

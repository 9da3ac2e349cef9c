import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { acting } from "../../device/acting.js";
import { orderOf, type PassArguments, passText } from "../order.js";

export default async (args: PassArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  acting(args, hre, async ({ tenon: { access }, account, now }) => {
    const order = orderOf(args, account, now);
    const prepared = await access.prepare(order);
    const { at } = await access.grant(prepared).wait();
    const { pass, digest } = prepared;
    return { ...passText({ ...pass, ...order }), pass: digest, block: at.block, transaction: at.transaction };
  });

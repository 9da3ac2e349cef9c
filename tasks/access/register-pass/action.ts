import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { namesOf } from "../../../sdk/src/access/pass.js";
import { type ActingArguments, acting } from "../../device/acting.js";
import { readPass } from "../files.js";
import { passText } from "../order.js";

export default async (
  args: ActingArguments & { file: string },
  hre: HardhatRuntimeEnvironment,
): Promise<void> =>
  acting(args, hre, async ({ tenon: { access } }) => {
    const signed = readPass(args.file);
    const { at } = await access.registerPass(signed).wait();
    const { pass, digest, signer } = signed;
    const words = passText({ ...pass, permissions: namesOf(pass.permissions) });
    return { ...words, pass: digest, signer, block: at.block, transaction: at.transaction };
  });

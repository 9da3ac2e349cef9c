import { writeFileSync } from "node:fs";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { passToJson } from "../../../sdk/src/access/model.js";
import { acting } from "../../device/acting.js";
import { orderOf, type PassArguments, passText } from "../order.js";

interface SignArguments extends PassArguments {
  out: string | undefined;
}

export default async (args: SignArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  acting(args, hre, async ({ tenon: { access }, account, now }) => {
    const order = orderOf(args, account, now);
    const signed = await access.signPass(await access.prepare(order));
    const file = args.out ?? "pass.json";
    writeFileSync(file, `${passToJson(signed)}\n`);
    return { ...passText({ ...signed.pass, ...order }), pass: signed.digest, signer: signed.signer, file };
  });

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { answering } from "../../run.js";
import { toJson, withTenon } from "../../tenon.js";

interface ListArguments {
  owner: number;
  record: string | undefined;
  json: boolean;
}

export default async (
  { owner, record, json }: ListArguments,
  hre: HardhatRuntimeEnvironment,
): Promise<void> =>
  answering(() =>
    withTenon(hre, record, async ({ devices }) => {
      const registered = await devices.list(owner === 0 ? {} : { owner });
      if (json) {
        console.log(toJson(registered));
        return;
      }
      for (const { id, owner: first, manufacturer, key, at } of registered) {
        const curve = key.curve === 1 ? "P-256" : "secp256k1";
        console.log(
          `${id}  ${curve}  block ${at.block}, by organisation ${manufacturer}, first owner ${first}`,
        );
      }
      console.log(`${registered.length} devices`);
    }),
  );

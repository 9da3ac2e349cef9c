import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Hex } from "../../../sdk/src/bytes.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { answering } from "../../run.js";
import { print, toJson, withTenon } from "../../tenon.js";
import { told } from "../history/action.js";

interface ShowArguments {
  id: string;
  record: string | undefined;
  json: boolean;
}

export default async ({ id, record, json }: ShowArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  answering(() =>
    withTenon(hre, record, async ({ devices }) => {
      const device = await devices.get(id as Hex);
      if (device === undefined) {
        throw new TenonError("DeviceUnknown", "No device of this id is registered", {
          args: { device: id },
          remedy: "Check the id; npx hardhat device register enters a device.",
        });
      }
      const history = await devices.history(id as Hex);
      if (json) {
        console.log(toJson({ ...device, history }));
        return;
      }
      const curve = device.curve === 1 ? "P-256" : "secp256k1";
      print({ ...device, since: new Date(1000 * device.since).toISOString(), curve }, false);
      for (const event of history) console.log(`  block ${event.at.block}: ${told(event)}`);
    }),
  );

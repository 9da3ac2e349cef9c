import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { answering } from "../../run.js";
import { toJson, withTenon } from "../../tenon.js";
import { deviceGiven } from "../device.js";

interface InterfacesArguments {
  device: string;
  record: string | undefined;
  json: boolean;
}

export default async (args: InterfacesArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  answering(() =>
    withTenon(hre, args.record, async ({ did, deployment }) => {
      const device = deviceGiven(args.device, deployment);
      const interfaces = await did.interfaces(device);
      if (args.json) {
        console.log(toJson(interfaces));
        return;
      }
      if (interfaces.length === 0) console.log("The owner has published no interface.");
      for (const { id, type, permissions, endpoint } of interfaces) {
        const takes = permissions.length === 0 ? "open" : permissions.join(", ");
        console.log(`${did.ofDevice(device)}#${id}  ${type}  ${takes}  ${endpoint ?? "by grant"}`);
      }
    }),
  );

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Hex } from "../../../sdk/src/bytes.js";
import type { Devices } from "../../../sdk/src/devices.js";
import type { LogPosition } from "../../../sdk/src/logs.js";
import type { Operation } from "../../../sdk/src/operation.js";
import { type ActingArguments, acting } from "../acting.js";

interface ActArguments extends ActingArguments {
  id: string;
}

const methods = {
  accept: "acceptOffer",
  reject: "rejectOffer",
  cancel: "cancelOffer",
  suspend: "suspend",
  resume: "resume",
  revoke: "revoke",
  "stop-access": "stopAccess",
  "allow-access": "allowAccess",
} as const satisfies Record<string, keyof Devices>;

export type Act = keyof typeof methods;

/** The action of a task that does one thing to one device. */
export function doing(act: Act) {
  return (args: ActArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
    acting(args, hre, async ({ tenon: { devices } }) => {
      const operation: Operation<{ readonly id: Hex; readonly at: LogPosition }> = devices[methods[act]](
        args.id as Hex,
      );
      const { id, at, ...done } = await operation.wait();
      return { device: id, ...done, block: at.block, transaction: at.transaction };
    });
}

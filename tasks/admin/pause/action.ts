import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { ContractName } from "../../../sdk/src/deployment.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { wholeNumber } from "../../options.js";
import { perform, type WriteArguments, withTenonAs } from "../../perform.js";
import { print } from "../../tenon.js";

interface Arguments extends WriteArguments {
  contract: string;
  actions: string | undefined;
  hours: string | undefined;
  reason: string | undefined;
}

export default (args: Arguments, hre: HardhatRuntimeEnvironment): Promise<void> => {
  const contract = args.contract as ContractName;
  const { actions, reason } = args;
  if (actions === undefined) {
    return withTenonAs(hre, args, async ({ admin }) => {
      const { entries, others } = await admin.pausable(contract);
      print({ entries: entries.join(", "), others: others.join(", ") }, args.json);
    });
  }
  return perform(
    hre,
    args,
    async ({ admin }) => {
      const hours = wholeNumber("hours", args.hours);
      if (hours === undefined || reason === undefined) {
        throw new TenonError("OptionMissing", "A pause needs its length and its reason", {
          args: { hours, reason },
          remedy: "Give --hours, at most 168, and --reason in words.",
        });
      }
      const until = Math.floor(Date.now() / 1_000) + hours * 3_600;
      return admin.pause(contract, { actions: actions.split(","), until, reason });
    },
    ({ transaction }) => ({ paused: actions, transaction }),
  );
};

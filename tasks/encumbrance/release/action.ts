import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Hex } from "../../../sdk/src/bytes.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { numberOf } from "../../options.js";
import { perform, type WriteArguments } from "../../perform.js";

interface Arguments extends WriteArguments {
  asset: string;
  id: string | undefined;
  order: string | undefined;
  module: string | undefined;
}

export default (args: Arguments, hre: HardhatRuntimeEnvironment): Promise<void> => {
  const asset = { asset: args.asset as Hex, ...(args.module === undefined ? {} : { module: args.module }) };
  return perform(
    hre,
    args,
    ({ encumbrances }) => {
      const id = args.id === undefined ? undefined : numberOf("id", args.id);
      const order = args.order === undefined ? undefined : numberOf("order", args.order);
      if (id !== undefined && order !== undefined) return encumbrances.strike({ ...asset, id, order });
      if (id !== undefined) return encumbrances.release({ ...asset, id });
      if (order !== undefined) return encumbrances.releaseHold({ ...asset, order });
      throw new TenonError("OptionMissing", "It must be said what to release", {
        remedy: "Give --id with the number of the encumbrance, or --order with that of a hold's order.",
      });
    },
    ({ step, id, order, at }) => ({ asset: args.asset, [step]: id ?? `order ${order}`, ...at }),
  );
};

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Hex } from "../../../sdk/src/bytes.js";
import type { EncumbranceKind } from "../../../sdk/src/consortium/encumbrances.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { numberOf } from "../../options.js";
import { momentOf, perform, type WriteArguments } from "../../perform.js";

interface Arguments extends WriteArguments {
  asset: string;
  kind: string | undefined;
  beneficiary: string | undefined;
  rank: string | undefined;
  until: string | undefined;
  days: string | undefined;
  order: string | undefined;
  module: string | undefined;
}

export default (args: Arguments, hre: HardhatRuntimeEnvironment): Promise<void> => {
  const asset = { asset: args.asset as Hex, ...(args.module === undefined ? {} : { module: args.module }) };
  return perform(
    hre,
    args,
    ({ encumbrances }) =>
      args.order !== undefined
        ? encumbrances.hold({ ...asset, order: numberOf("order", args.order) })
        : encumbrances.place({
            ...asset,
            kind: kindOf(args.kind),
            beneficiary: numberOf("beneficiary", args.beneficiary),
            rank: args.rank === undefined ? 1 : numberOf("rank", args.rank),
            until: momentOf(args.until, args.days, Math.floor(Date.now() / 1_000)),
          }),
    ({ step, id, rank, order, at }) => ({
      asset: args.asset,
      ...(id === undefined ? { [step]: "by order", order } : { [step]: id, rank }),
      ...at,
    }),
  );
};

function kindOf(text: string | undefined): EncumbranceKind {
  const known = ["Pledge", "Lease", "Sale", "Other"] as const;
  const kind = known.find((one) => one === text);
  if (kind !== undefined) return kind;
  throw new TenonError("OptionInvalid", "An encumbrance is of one of four kinds", {
    args: { given: text },
    remedy: "Give --kind Pledge, Lease, Sale or Other; or --order to hold the asset by an order.",
  });
}

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { AssetClass } from "../../../sdk/src/consortium/eligibility.js";
import { numberOf } from "../../options.js";
import { momentOf, perform, type WriteArguments } from "../../perform.js";

interface Arguments extends WriteArguments {
  organisation: string;
  classes: string;
  until: string | undefined;
  days: string | undefined;
}

export default (args: Arguments, hre: HardhatRuntimeEnvironment): Promise<void> => {
  const organisation = numberOf("organisation", args.organisation);
  return perform(
    hre,
    args,
    ({ eligibility }) =>
      eligibility.set({
        organisation,
        classes: classesIn(args.classes),
        until: momentOf(args.until, args.days, Math.floor(Date.now() / 1_000)),
      }),
    ({ classes, until, at }) => ({ organisation, classes, until, ...at }),
    ({ method, args: given }) =>
      method === "set" && given.find(({ name }) => name === "org")?.value === String(organisation),
  );
};

function classesIn(text: string): AssetClass[] {
  if (text === "none") return [];
  return text.split(",").map((one) => (/^\d+$/.test(one) ? Number(one) : one) as AssetClass);
}

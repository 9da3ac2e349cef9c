import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Hex } from "../../../sdk/src/bytes.js";
import type { EncumbranceStep } from "../../../sdk/src/consortium/encumbrances.js";
import { day } from "../../perform.js";
import { answering } from "../../run.js";
import { toJson, withTenon } from "../../tenon.js";

interface ListArguments {
  asset: string;
  module: string | undefined;
  record: string | undefined;
  json: boolean;
}

export default async (args: ListArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  answering(() =>
    withTenon(hre, args.record, async ({ encumbrances }) => {
      const asset = {
        asset: args.asset as Hex,
        ...(args.module === undefined ? {} : { module: args.module }),
      };
      const binding = await encumbrances.of(asset);
      const history = await encumbrances.history(asset);
      if (args.json) return console.log(toJson({ ...binding, history }));
      console.log(binding.locked ? "locked" : "free");
      for (const { id, rank, kind, beneficiary, until, binder } of binding.encumbrances) {
        const by = binder === undefined ? "" : `, placed by ${binder}`;
        console.log(`  rank ${rank}: ${kind} ${id} for organisation ${beneficiary} until ${day(until)}${by}`);
      }
      if (binding.holds > 0) console.log(`  held by ${binding.holds} order(s)`);
      for (const step of history) console.log(`  block ${step.at.block}: ${inWords(step)}`);
    }),
  );

function inWords({ step, id, order, by }: EncumbranceStep): string {
  const under = order === undefined ? "" : ` by order ${order}`;
  return `${id === undefined ? "" : `${id} `}${step}${under}, sent by ${by}`;
}

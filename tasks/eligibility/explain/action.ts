import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { AssetClass, EligibilityRules } from "../../../sdk/src/consortium/eligibility.js";
import { numberOf } from "../../options.js";
import { answering } from "../../run.js";
import { print, toJson, withTenon } from "../../tenon.js";

interface ExplainArguments {
  organisation: string;
  class: string | undefined;
  giver: string | undefined;
  record: string | undefined;
  json: boolean;
}

export default async (args: ExplainArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  answering(() =>
    withTenon(hre, args.record, async ({ eligibility }) => {
      const organisation = numberOf("organisation", args.organisation);
      if (args.class === undefined) await showAll(eligibility, organisation, args.json);
      else await explain(eligibility, organisation, args.class, args);
    }),
  );

async function showAll(eligibility: EligibilityRules, organisation: number, json: boolean): Promise<void> {
  const known = await eligibility.get(organisation);
  if (json) return console.log(toJson(known));
  print({ ...known, until: moment(known.until), frozenUntil: moment(known.frozenUntil) }, false);
}

async function explain(
  eligibility: EligibilityRules,
  organisation: number,
  name: string,
  { giver, json }: ExplainArguments,
): Promise<void> {
  const assetClass = (/^\d+$/.test(name) ? Number(name) : name) as AssetClass;
  const answer =
    giver === undefined
      ? { organisation, reason: await eligibility.explain(organisation, assetClass) }
      : ((await eligibility.explainPair(numberOf("giver", giver), organisation, assetClass)) ?? {
          organisation,
          reason: "Eligible" as const,
        });
  const may = answer.reason === "Eligible";
  print({ may, ...answer }, json);
  if (!may) process.exitCode = 1;
}

function moment(seconds: number): string {
  return seconds === 0 ? "never" : new Date(1000 * seconds).toISOString();
}

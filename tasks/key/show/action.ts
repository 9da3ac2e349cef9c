import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { OrganisationKey } from "../../../sdk/src/consortium/organisation-keys.js";
import { numberOf } from "../../options.js";
import { day } from "../../perform.js";
import { answering } from "../../run.js";
import { toJson, withTenon } from "../../tenon.js";

interface ShowArguments {
  organisation: string | undefined;
  record: string | undefined;
  json: boolean;
}

export default async (args: ShowArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  answering(() =>
    withTenon(hre, args.record, async ({ keys }) => {
      const uses = ["DeviceFacing", "Encryption", "Disclosure"] as const;
      const of = args.organisation;
      const found: OrganisationKey[] =
        of === undefined
          ? await keys.disclosure()
          : (await Promise.all(uses.map((use) => keys.get(numberOf("organisation", of), use)))).flatMap(
              (key) => key ?? [],
            );
      if (args.json) return console.log(toJson({ keys: found }));
      if (found.length === 0) console.log("No key is in force.");
      for (const { organisation, use, version, since, publisher, x, y } of found) {
        console.log(`organisation ${organisation} ${use} ${version}, since ${day(since)}, by ${publisher}`);
        console.log(`  x ${x}\n  y ${y}`);
      }
    }),
  );

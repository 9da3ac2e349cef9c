import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { readJournal } from "../../../sdk/src/access/journal.js";
import { required } from "../../device/options.js";
import { answering } from "../../run.js";
import { print, withTenon } from "../../tenon.js";
import { chainName, type JournalArguments } from "../journal.js";

interface VerifyArguments extends JournalArguments {
  record: string | undefined;
  json: boolean;
}

export default async (args: VerifyArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  answering(() =>
    withTenon(hre, args.record, async ({ access }) => {
      const organisation = Number(
        required("organisation", args.organisation, "the number of whoever keeps it"),
      );
      const chain = chainName(args);
      const { entries } = readJournal(args.file);
      const anchored = await access.log.verify(organisation, chain, entries);
      print({ entries: entries.length, anchored }, args.json);
    }),
  );

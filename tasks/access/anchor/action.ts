import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { batchOf, readJournal } from "../../../sdk/src/access/journal.js";
import { type ActingArguments, acting } from "../../device/acting.js";
import { required } from "../../device/options.js";
import { chainName, type JournalArguments } from "../journal.js";

/** Everything of the journal that is not anchored yet becomes one run. Refuses a journal that differs from what is anchored. */
export default async (
  args: ActingArguments & JournalArguments,
  hre: HardhatRuntimeEnvironment,
): Promise<void> =>
  acting(args, hre, async ({ tenon: { access } }) => {
    const organisation = Number(
      required("organisation", args.organisation, "the number of the account's organisation"),
    );
    const chain = chainName(args);
    const { entries, heads } = readJournal(args.file);
    const next = await access.log.verify(organisation, chain, entries);
    if (next === entries.length) return { chain, entries: entries.length, anchored: next };
    const before = heads[next - 1] ?? `0x${"00".repeat(32)}`;
    const { from, to, head, root, at } = await access.log
      .anchor(chain, batchOf(entries.slice(next), next, before))
      .wait();
    return { chain, from, to, head, root, block: at.block, transaction: at.transaction };
  });

import { withAccount, withFirstAccount, withoutAccount } from "../../../besu-network/govern/accounts.js";
import { OwnNodes } from "../../../besu-network/govern/chain.js";
import { applyLists, enableAccounts } from "../../../besu-network/govern/lists.js";
import { answering } from "../../run.js";
import { bundleAt } from "../bundle.js";
import { listLines, othersOf } from "../change.js";

interface AllowArguments {
  account: string;
  remove: boolean;
  begin: boolean;
  dir: string | undefined;
}

export default async ({ account, remove, begin, dir }: AllowArguments): Promise<void> =>
  answering(async () => {
    const bundle = bundleAt(dir);
    const edit = begin ? withFirstAccount : remove ? withoutAccount : withAccount;
    const manifest = edit(bundle.manifest, account);
    using own = await OwnNodes.open(bundle);
    const known = manifest === bundle.manifest;
    if (begin) enableAccounts(bundle);
    const outcomes = await applyLists(bundle, manifest, own);
    console.log(`${account} ${remove ? "is off the list" : known ? "was on the list" : "is on the list"}.`);
    for (const line of listLines(outcomes)) console.log(line);
    const others = othersOf(bundle);
    if (others.length === 0) return;
    // A node checks what it is sent, what reaches it from peers and what it puts into its blocks, never others' blocks.
    console.log(
      `Other organisations (${others.join(", ")}) keep their own lists. For these to agree, each runs`,
    );
    const flag = remove ? " --remove" : begin ? " --begin" : "";
    console.log(`  npx hardhat network allow-account ${account}${flag}`);
  });

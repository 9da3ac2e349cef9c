import { relative } from "node:path";
import type { BackupContents } from "../../../besu-network/backup/archive.js";
import { checkBackup, restoreInto } from "../../../besu-network/backup/node.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { answering } from "../../run.js";
import { megabytes } from "../change.js";
import { passphraseFrom } from "../passphrase.js";

type Text = string | undefined;

interface RestoreArguments {
  file: Text;
  dir: Text;
  check: boolean;
  oldNodeIsGone: boolean;
  passphraseFile: Text;
}

export default async (given: RestoreArguments): Promise<void> =>
  answering(async () => {
    const { file, dir, check, oldNodeIsGone } = given;
    if (file === undefined || (dir === undefined) !== check) {
      throw new TenonError("OptionMissing", "A restore is of one file, into one folder or into none", {
        remedy: "Give --file FILE and either --dir DIR or --check.",
      });
    }
    const passphrase = passphraseFrom(given.passphraseFile);
    if (dir === undefined) {
      const { contents, opened } = await checkBackup(file, passphrase);
      describe(contents);
      console.log("Every file was restored as it was, and the key is the node's.");
      console.log(
        "block" in opened
          ? `Besu ${opened.besu} opened the copy without peers: block ${opened.block}, ${opened.hash}.`
          : `Not opened with Besu: ${opened.why}`,
      );
      return;
    }
    const { contents, whole } = await restoreInto({ file, passphrase, dir, oldNodeIsGone });
    describe(contents);
    const here = relative("", dir) || ".";
    if (whole) {
      console.log(
        `The network's folder as it was on ${contents.createdAt} is in ${here}. If nodes or accounts were`,
      );
      console.log("allowed since, allow them again (network allow-node, network allow-account).");
    } else {
      console.log(
        `${contents.node} is back in ${here}, with the lists of peers and accounts as they are there.`,
      );
    }
    console.log(`It catches up when it runs: npx hardhat network up --dir ${here}`);
  });

function describe({ node, organisation, chainId, createdAt, head, files }: BackupContents): void {
  const at = head === null ? "" : `, block ${head.number}`;
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  console.log(`${node} of ${organisation} on chain ${chainId}, ${createdAt}${at}`);
  console.log(`${files.length} files, ${megabytes(bytes)}, every byte checked.`);
}

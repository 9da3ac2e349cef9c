import { statSync } from "node:fs";
import { backupNode } from "../../../besu-network/backup/node.js";
import { ownNodes } from "../../../besu-network/bundle/manifest.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { answering } from "../../run.js";
import { bundleAt } from "../bundle.js";
import { megabytes } from "../change.js";
import { passphraseFrom } from "../passphrase.js";

type Text = string | undefined;

interface BackupArguments {
  node: Text;
  out: Text;
  passphraseFile: Text;
  dir: Text;
}

export default async ({ node, out, passphraseFile, dir }: BackupArguments): Promise<void> =>
  answering(async () => {
    const bundle = bundleAt(dir);
    if (node === undefined || out === undefined) {
      const names = ownNodes(bundle).map(({ name }) => name);
      throw new TenonError("OptionMissing", "A backup is of one node, into one file", {
        args: { nodes: names.join(", ") },
        remedy: "Give --node NAME and --out FILE.",
      });
    }
    const stop = new AbortController();
    const interrupted = () => stop.abort();
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, interrupted);
    try {
      const contents = await backupNode(bundle, node, {
        out,
        passphrase: passphraseFrom(passphraseFile),
        signal: stop.signal,
        told: (line) => console.log(line),
      });
      const at = contents.head === null ? "" : ` at block ${contents.head.number}`;
      console.log(
        `${node}${at} is in ${out}: ${contents.files.length} files, ${megabytes(statSync(out).size)}.`,
      );
      console.log("Without the passphrase nobody opens it, you neither. Prove that it can be restored:");
      console.log(`  npx hardhat network restore --file ${out} --check`);
    } finally {
      for (const signal of ["SIGINT", "SIGTERM"]) process.removeListener(signal, interrupted);
    }
  });

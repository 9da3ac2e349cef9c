import { ownNodes } from "../../../besu-network/bundle/manifest.js";
import { runnerOf } from "../../../besu-network/run/runner.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { answering } from "../../run.js";
import { bundleAt, dirGiven } from "../bundle.js";

export default async ({ dir, yes }: { dir: string | undefined; yes: boolean }): Promise<void> =>
  answering(async () => {
    const bundle = bundleAt(dir);
    const { chainId, nodes } = bundle.manifest;
    const own = ownNodes(bundle);
    if (!yes) {
      throw new TenonError("ResetUnconfirmed", "A reset deletes the chain that these nodes hold", {
        args: { folder: bundle.dir, chainId, nodes: own.map(({ name }) => name).join(", ") },
        remedy: `To delete it: npx hardhat network reset --yes${dirGiven(bundle)}. Keys, genesis and lists stay.`,
      });
    }
    await (await runnerOf(bundle)).erase();
    console.log(
      `Deleted the chain of ${own.map(({ name }) => name).join(", ")}; keys, genesis and lists stay.`,
    );
    console.log(
      own.length < nodes.length
        ? "The nodes will take the chain from the other organisations' again."
        : [
            `Records of deployments on chain ${chainId} no longer hold: delete them before you deploy anew.`,
            "A second chain under the same keys and genesis cannot be told from the first by what was proven on that one:",
            "where anybody keeps such proofs, create a new network instead.",
          ].join("\n"),
    );
  });

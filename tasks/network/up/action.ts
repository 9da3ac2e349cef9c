import { type Bundle, ownNodes } from "../../../besu-network/bundle/manifest.js";
import { waitForBlocks } from "../../../besu-network/run/blocks.js";
import { runnerOf } from "../../../besu-network/run/runner.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { quorumOf } from "../../../sdk/src/proof/qbft.js";
import { wholeNumber } from "../../options.js";
import { answering } from "../../run.js";
import { bundleAt, dirGiven } from "../bundle.js";

export default async ({ dir, wait }: { dir: string | undefined; wait: string | undefined }): Promise<void> =>
  answering(async () => {
    const patience = wholeNumber("wait", wait) ?? 120;
    const bundle = bundleAt(dir);
    const runner = await runnerOf(bundle);
    const version = await runner.check();
    const own = ownNodes(bundle);
    const begin = Date.now();
    const since = () => `${((Date.now() - begin) / 1_000).toFixed(0)} s`;
    const before = await runner.running();
    console.log(
      `Besu ${version}: starting ${own.length - before.size} of ${own.length} nodes, chain ${bundle.manifest.chainId}`,
    );
    await runner.start(undefined, (name) => console.log(`  ${name} answers (${since()})`));
    await firstBlock(bundle, patience, since);
    tellDoors(bundle);
  });

/** The chain may need validators of others: then it is no fault of this bundle's that none comes yet. */
async function firstBlock(bundle: Bundle, patience: number, since: () => string): Promise<void> {
  const validators = bundle.manifest.nodes.filter(({ role }) => role === "validator").length;
  const own = ownNodes(bundle).filter(({ role }) => role === "validator").length;
  console.log("  waiting for a block");
  try {
    console.log(
      `Block ${await waitForBlocks(bundle, { timeout: 1_000 * patience })} after ${since()}: the chain runs.`,
    );
  } catch (error) {
    const ownEnough = own >= quorumOf(validators);
    if (ownEnough || !(error instanceof TenonError) || error.code !== "BlocksMissing") throw error;
    console.log(
      `No block yet: ${own} of ${validators} validators are here and ${quorumOf(validators)} are needed. The nodes run and ` +
        `wait for the other organisations' validators; npx hardhat network status${dirGiven(bundle)} shows them. Each try ` +
        "takes twice as long as the one before: if no block comes soon once enough are there, npx hardhat network recover " +
        "at every organisation, together.",
    );
  }
}

function tellDoors(bundle: Bundle): void {
  for (const { name, ports } of ownNodes(bundle)) {
    if (ports.http !== null) console.log(`${name}: http://127.0.0.1:${ports.http}, with a token`);
  }
}

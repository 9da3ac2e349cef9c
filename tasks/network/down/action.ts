import { runnerOf } from "../../../besu-network/run/runner.js";
import { answering } from "../../run.js";
import { bundleAt, dirGiven } from "../bundle.js";

export default async ({ dir }: { dir: string | undefined }): Promise<void> =>
  answering(async () => {
    const bundle = bundleAt(dir);
    const runner = await runnerOf(bundle);
    const running = await runner.running();
    await runner.stop();
    const stopped = running.size === 0 ? "No node was running" : `Stopped ${[...running].sort().join(", ")}`;
    console.log(
      `${stopped}. The chain's data stays: npx hardhat network up${dirGiven(bundle)} goes on with it.`,
    );
  });

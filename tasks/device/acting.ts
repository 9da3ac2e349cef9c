import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { createTenon, type Tenon } from "../../sdk/src/client.js";
import { answering } from "../run.js";
import { signerFor } from "../signer.js";
import { print, withTenon } from "../tenon.js";

export interface ActingArguments {
  from: string | undefined;
  record: string | undefined;
  json: boolean;
}

/** What a task works with: Tenon as the account of --from, and the chain's time, seconds. */
export interface Acting {
  tenon: Tenon;
  account: string;
  now: number;
}

/** Runs a task as the account of `--from`, and prints what it answers. */
export function acting(
  args: ActingArguments,
  hre: HardhatRuntimeEnvironment,
  work: (acting: Acting) => Promise<object | undefined>,
): Promise<void> {
  return answering(() =>
    withTenon(hre, args.record, async ({ deployment }, { ethers }) => {
      const signer = await signerFor(ethers, args.from);
      const tenon = await createTenon({ signer, deployment });
      const { timestamp } = (await ethers.provider.getBlock("latest"))!;
      const now = Math.max(timestamp, Math.floor(Date.now() / 1000));
      const answer = await work({ tenon, account: signer.address, now });
      if (answer !== undefined) print(answer, args.json);
    }),
  );
}

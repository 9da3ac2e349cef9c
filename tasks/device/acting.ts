import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NetworkConnection } from "hardhat/types/network";
import { createTenon, type Tenon } from "../../sdk/src/client.js";
import { TenonError } from "../../sdk/src/errors.js";
import { answering } from "../run.js";
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

/** The account that sends. Throws `AccountUnavailable` when the network has no key for it. */
export async function signerFor(ethers: NetworkConnection["ethers"], from: string | undefined) {
  const signers = await ethers.getSigners();
  const found =
    from === undefined ? signers[0] : signers.find((one) => one.address.toLowerCase() === from.toLowerCase());
  if (found !== undefined) return found;
  throw new TenonError("AccountUnavailable", "The network has no key for this account", {
    args: {
      from: from ?? "the first account",
      available: signers.map((one) => one.address).join(", ") || "none",
    },
    remedy: "Name one of these with --from; for network besu set TENON_BESU_KEY to the account's key.",
  });
}

import type { NetworkConnection } from "hardhat/types/network";
import { TenonError } from "../sdk/src/errors.js";

type Signer = Awaited<ReturnType<NetworkConnection["ethers"]["getSigners"]>>[number];

/** The account of the network that a task acts from: the one named, else the first. Throws `AccountUnavailable`. */
export async function signerFor(
  ethers: NetworkConnection["ethers"],
  from: string | undefined,
): Promise<Signer> {
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

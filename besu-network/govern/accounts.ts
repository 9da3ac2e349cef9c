import { getAddress } from "ethers";
import type { Hex } from "../../sdk/src/bytes.js";
import { TenonError } from "../../sdk/src/errors.js";
import type { Manifest } from "../bundle/manifest.js";

/** The manifest with one more account whose transactions nodes take; the same one where it was there already. */
export function withAccount(manifest: Manifest, given: string): Manifest {
  const account = accountOf(given);
  const accounts = listOf(manifest);
  return accounts.includes(account) ? manifest : { ...manifest, accounts: [...accounts, account] };
}

/** The manifest without an account. */
export function withoutAccount(manifest: Manifest, given: string): Manifest {
  const account = accountOf(given);
  const accounts = listOf(manifest);
  if (!accounts.includes(account)) {
    throw new TenonError("AccountUnknown", "This account is not on the list", {
      args: { account, list: accounts.join(", ") || "empty" },
      remedy: "There is nothing to take away.",
    });
  }
  if (accounts.length === 1) {
    throw new TenonError("AccountLast", "Without its last account the list would let nobody write", {
      args: { account },
      remedy: "Allow another account first.",
    });
  }
  return { ...manifest, accounts: accounts.filter((other) => other !== account) };
}

/** The manifest of a network that takes everybody's transactions, with a list begun. */
export function withFirstAccount(manifest: Manifest, given: string): Manifest {
  if (manifest.accounts !== null) {
    throw new TenonError("AccountListBegun", "There is a list of accounts already", {
      args: { accounts: manifest.accounts.length },
      remedy: "Leave --begin out.",
    });
  }
  return { ...manifest, accounts: [accountOf(given)] };
}

function listOf({ accounts }: Manifest): Hex[] {
  if (accounts !== null) return accounts;
  throw new TenonError("AccountsOpen", "These nodes take everybody's transactions: there is no list", {
    remedy: "Add --begin to begin one: everybody who is not on it is refused after the nodes' next start.",
  });
}

/** As the list has it: lower case. A mixed-case address must have the right checksum, which catches typing errors. */
function accountOf(given: string): Hex {
  const lower = given.toLowerCase();
  if (/^0x[0-9a-f]{40}$/.test(lower) && (isOneCase(given) || getAddress(lower) === given))
    return lower as Hex;
  throw new TenonError("AccountInvalid", "This is not the address of an account", {
    args: { given },
    remedy: "Give 0x and 40 hex digits; in mixed case, with the checksum of ERC-55.",
  });
}

const isOneCase = (given: string) => {
  const digits = given.slice(2);
  return digits === digits.toLowerCase() || digits === digits.toUpperCase();
};

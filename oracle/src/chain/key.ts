import { readFileSync, statSync } from "node:fs";
import type { Hex } from "@tenon/sdk/bytes";
import { TenonError } from "@tenon/sdk/errors";
import { type TransactionLike, Wallet } from "ethers";

/** Where the anchor key is: an encrypted JSON keystore with its password in a file, or a file with the raw key. */
export type AnchorKeySource = { keystore: string; passwordFile: string } | { file: string };

/** What signs anchors. A key server can stand behind it: all it is asked for is a signed transaction. */
export interface AnchorSigner {
  readonly address: Hex;
  /** The raw signed transaction. */
  sign(transaction: TransactionLike): Promise<Hex>;
}

/** The file whose folder also holds the key's lock. */
export function keyFileOf(source: AnchorKeySource): string {
  return "file" in source ? source.file : source.keystore;
}

/**
 * Loads the anchor key. Files that hold a secret in the clear must be readable by their owner only.
 * @throws TenonError `KeyUnreadable`, `KeyFileOpen`, `KeyInvalid`.
 */
export async function loadAnchorKey(source: AnchorKeySource): Promise<AnchorSigner> {
  if ("file" in source) return signerOf(parseKey(source.file));
  const json = readText(source.keystore);
  const password = readSecret(source.passwordFile);
  try {
    return signerOf((await Wallet.fromEncryptedJson(json, password)) as Wallet);
  } catch {
    // The cause stays out: nothing about the password goes into a log.
    throw new TenonError("KeyInvalid", "The keystore cannot be opened", {
      args: { keystore: source.keystore },
      remedy: "Check that it is an Ethereum JSON keystore and that the password file holds its password.",
    });
  }
}

/** One line of a file that only its owner may read. @throws TenonError `KeyUnreadable`, `KeyFileOpen`. */
export function readSecret(path: string): string {
  const text = readText(path);
  const mode = statSync(path).mode & 0o777;
  if ((mode & 0o077) !== 0) {
    throw new TenonError("KeyFileOpen", "A file with a secret can be read by others than its owner", {
      args: { path, mode: `0${mode.toString(8)}` },
      remedy: `chmod 600 ${path}`,
    });
  }
  return text.trim();
}

function parseKey(path: string): Wallet {
  const text = readSecret(path);
  try {
    return new Wallet(text.startsWith("0x") ? text : `0x${text}`);
  } catch {
    throw new TenonError("KeyInvalid", "The key file does not hold a private key", {
      args: { path },
      remedy: "It must hold one line: 32 bytes in hex.",
    });
  }
}

function signerOf(wallet: Wallet): AnchorSigner {
  return {
    address: wallet.address.toLowerCase() as Hex,
    sign: async (transaction) => (await wallet.signTransaction(transaction)) as Hex,
  };
}

/** The text of a file that is no secret. @throws TenonError `KeyUnreadable`. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new TenonError("KeyUnreadable", "A key file cannot be read", {
      args: { path },
      remedy: "Check the path in the configuration and who may read the file.",
      cause,
    });
  }
}

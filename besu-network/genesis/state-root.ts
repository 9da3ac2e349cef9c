import { encodeRlp, keccak256 } from "ethers";
import type { Hex } from "../../sdk/src/bytes.js";
import { proveEntry, type TrieEntry } from "../../sdk/src/proof/trie.js";
import { scalar } from "./extra-data.js";

/** An account that exists from the start; numbers are decimal or `0x…`. */
export interface Allocation {
  balance?: string;
  nonce?: string;
  code?: Hex;
  storage?: Record<string, string>;
}

const EMPTY_TRIE = keccak256("0x80") as Hex;

/** Root of the state trie over a genesis's accounts, whose addresses may be written with or without `0x`. */
export function stateRoot(alloc: Record<string, Allocation>): Hex {
  return root(
    Object.entries(alloc).map(([address, account]) => ({
      key: hashedKey(address, 20),
      value: encodeRlp([
        scalar(BigInt(account.nonce ?? 0)),
        scalar(BigInt(account.balance ?? 0)),
        storageRoot(account.storage ?? {}),
        keccak256(account.code ?? "0x"),
      ]) as Hex,
    })),
  );
}

function storageRoot(storage: Record<string, string>): Hex {
  const slots = Object.entries(storage).filter(([, value]) => BigInt(prefixed(value)) !== 0n);
  return root(
    slots.map(([slot, value]) => ({
      key: hashedKey(slot, 32),
      value: encodeRlp(scalar(BigInt(prefixed(value)))) as Hex,
    })),
  );
}

function root(entries: TrieEntry[]): Hex {
  const first = entries[0];
  return first === undefined ? EMPTY_TRIE : proveEntry(entries, first.key).root;
}

function hashedKey(hex: string, bytes: number): Hex {
  return keccak256(
    `0x${prefixed(hex)
      .slice(2)
      .padStart(2 * bytes, "0")}`,
  ) as Hex;
}

function prefixed(hex: string): string {
  return hex.startsWith("0x") ? hex : `0x${hex}`;
}

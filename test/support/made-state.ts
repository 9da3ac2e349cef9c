import { encodeRlp, keccak256 } from "ethers";
import type { Hex } from "../../sdk/src/bytes.js";
import { evenHex, proveEntry, type TrieEntry } from "../../sdk/src/proof/trie.js";

/** A contract for a made state: its code's hash and the words in its slots, none of them zero. */
export interface MadeContract {
  address: string;
  codeHash: Hex;
  slots: Record<Hex, bigint>;
}

/** A state of a few contracts, with proofs as a node gives them, of what is there and of what is not. */
export function madeState(contracts: MadeContract[]) {
  const tries = contracts.map(({ slots }) =>
    Object.entries(slots).map(([slot, word]) => entry(slot as Hex, encodeRlp(`0x${evenHex(word)}`))),
  );
  const storageRoot = (slots: TrieEntry[]) =>
    slots[0] === undefined ? keccak256("0x80") : proveEntry(slots, slots[0].key).root;
  const accounts = contracts.map(({ address, codeHash }, i) =>
    entry(
      address.toLowerCase() as Hex,
      encodeRlp(["0x01", "0x", storageRoot(tries[i] as TrieEntry[]), codeHash]),
    ),
  );
  const stateRoot = proveEntry(accounts, (accounts[0] as TrieEntry).key).root;
  const prove = (address: string, slot: Hex) => {
    const slots = tries[contracts.findIndex((each) => each.address === address)] ?? [];
    return {
      accountPath: proveEntry(accounts, keccak256(address.toLowerCase()) as Hex).path,
      slotPath: slots.length === 0 ? [] : proveEntry(slots, keccak256(slot) as Hex).path,
    };
  };
  return { stateRoot, prove };
}

function entry(key: Hex, value: string): TrieEntry {
  return { key: keccak256(key) as Hex, value: value as Hex };
}

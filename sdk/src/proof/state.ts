import { keccak256 } from "ethers";
import { concatBytes, fromHex, type Hex, toHex, uintBytes } from "../bytes.js";
import { TenonError } from "../errors.js";
import { type RpcSource, rpc } from "../rpc.js";
import { ProofError, type ProofStep } from "./error.js";
import { rlpBytes, rlpList, rlpUint, strictRlp } from "./rlp.js";
import { findEntry } from "./trie.js";

/** What a contract's storage holds in one slot after a block, provable with the block's state root alone. */
export interface StateProof {
  /** Trie nodes from the state root to the contract's account. */
  readonly accountPath: readonly Hex[];
  /** Trie nodes from the account's storage root to the slot, or to where it would stand. */
  readonly slotPath: readonly Hex[];
}

export interface Account {
  readonly nonce: bigint;
  readonly balance: bigint;
  readonly storageRoot: Hex;
  /** Keccak hash of its code; of no bytes when it has none. */
  readonly codeHash: Hex;
}

/** Reads an account from a proof; undefined when the proof shows that there is none. Throws `ProofError` at `step`. */
export function readAccount(
  step: ProofStep,
  stateRoot: Hex,
  address: string,
  path: readonly Hex[],
): Account | undefined {
  const found = findEntry(step, stateRoot, keccak256(address.toLowerCase()) as Hex, path);
  if (found === undefined) return undefined;
  const [nonce, balance, storageRoot, codeHash] = rlpList(step, strictRlp(step, found), 4);
  return {
    nonce: rlpUint(step, nonce, 8),
    balance: rlpUint(step, balance, 32),
    storageRoot: rlpBytes(step, storageRoot, 32),
    codeHash: rlpBytes(step, codeHash, 32),
  };
}

/** Reads a word of storage from a proof; 0 when the proof shows that the slot is empty. Throws `ProofError` at `step`. */
export function readSlot(step: ProofStep, storageRoot: Hex, slot: Hex, path: readonly Hex[]): bigint {
  const found = findEntry(step, storageRoot, keccak256(slot) as Hex, path);
  if (found === undefined) return 0n;
  const word = rlpUint(step, strictRlp(step, found), 32);
  if (word === 0n) throw new ProofError(step, "A slot holds zero, which a trie never does");
  return word;
}

/** Asks a node for the proof of one slot after a block. Throws TenonError `StateUnavailable`. */
export async function proveSlot(
  source: RpcSource,
  address: string,
  slot: Hex,
  block: bigint,
): Promise<StateProof> {
  const { accountPath, slotPaths } = await proveSlots(source, address, [slot], block);
  return { accountPath, slotPath: slotPaths[0]! };
}

/** The proof of several slots of one contract: the way to the account once, then to each slot in the order asked. */
export interface SlotsProof {
  readonly accountPath: readonly Hex[];
  readonly slotPaths: readonly (readonly Hex[])[];
}

/** Asks a node for the proof of several slots after a block. Throws TenonError `StateUnavailable`. */
export async function proveSlots(
  source: RpcSource,
  address: string,
  slots: readonly Hex[],
  block: bigint,
): Promise<SlotsProof> {
  const unavailable = (cause?: unknown) =>
    new TenonError("StateUnavailable", "The node cannot prove its state after this block", {
      args: { block, reason: cause instanceof Error ? cause.message : "no proof in the answer" },
      remedy: "Ask a Besu node that keeps every state (FOREST); one with BONSAI proves the last 512 blocks.",
      cause,
    });
  let answer: unknown;
  try {
    answer = await rpc(source, "eth_getProof", [address, slots, `0x${block.toString(16)}`]);
  } catch (cause) {
    throw unavailable(cause);
  }
  const { accountProof, storageProof } = (answer ?? {}) as {
    accountProof?: Hex[];
    storageProof?: { key: Hex; proof: Hex[] }[];
  };
  // Besu answers in an order of its own.
  const paths = new Map(storageProof?.map(({ key, proof }) => [BigInt(key), proof]));
  const slotPaths = slots.map((slot) => paths.get(BigInt(slot)));
  if (accountProof === undefined || !slotPaths.every((path) => path !== undefined)) throw unavailable();
  return { accountPath: accountProof, slotPaths };
}

/** Where a mapping that stands at `base` keeps the value of a key: Solidity's rule. */
export function mappingSlot(key: Hex | bigint, base: bigint): bigint {
  const word = typeof key === "bigint" ? uintBytes(key, 32) : fromHex(key, 32);
  return BigInt(keccak256(concatBytes(word, uintBytes(base, 32))));
}

/** A slot's number as 32 bytes. */
export function slotWord(slot: bigint): Hex {
  return toHex(uintBytes(BigInt.asUintN(256, slot), 32));
}

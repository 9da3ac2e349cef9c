import { encodeRlp, keccak256, type RlpStructuredData } from "ethers";
import type { Hex } from "../bytes.js";
import { ProofError, type ProofStep } from "./error.js";
import { rlpBytes, strictRlp } from "./rlp.js";

/**
 * Ethereum's Merkle-Patricia trie, as far as blocks and state need it: built once from all its entries, and read by
 * proof. Keys are the RLP of an index, or hashes, so no key is the beginning of another and a branch never holds a value.
 */
export interface TrieEntry {
  readonly key: Hex;
  readonly value: Hex;
}

export interface TrieProof {
  readonly root: Hex;
  /** The RLP of the nodes from the root to the entry; nodes under 32 bytes stay inside their parent. */
  readonly path: Hex[];
}

interface Pair {
  readonly nibbles: string; // one hex digit each
  readonly value: Hex;
}

/** The key of the `index`-th transaction or receipt of a block. */
export function indexKey(index: number): Hex {
  return encodeRlp(index === 0 ? "0x" : `0x${evenHex(index)}`) as Hex;
}

/** Builds the trie of all entries and proves the one under `key`, which must be among them. */
export function proveEntry(entries: readonly TrieEntry[], key: Hex): TrieProof {
  const pairs = entries.map((entry) => ({ nibbles: entry.key.slice(2), value: entry.value }));
  const path: Hex[] = [];
  const root = encodeRlp(buildNode(pairs, 0, key.slice(2), path)) as Hex;
  return { root: keccak256(root) as Hex, path: [root, ...path] };
}

/** The node over `pairs`, which agree in their first `depth` nibbles; the encodings below it on the way to `target` go to `path`. */
function buildNode(pairs: readonly Pair[], depth: number, target: string, path: Hex[]): RlpStructuredData {
  const first = pairs[0] as Pair;
  if (pairs.length === 1) return [compact(first.nibbles.slice(depth), true), first.value];
  const shared = sharedPrefix(pairs, depth);
  if (shared.length > 0) {
    const child = reference(pairs, depth + shared.length, target, path);
    return [compact(shared, false), child];
  }
  const children: RlpStructuredData[] = [];
  for (const digit of "0123456789abcdef") {
    const below = pairs.filter(({ nibbles }) => nibbles[depth] === digit);
    children.push(below.length === 0 ? "0x" : reference(below, depth + 1, target, path));
  }
  return [...children, "0x"];
}

/** How a parent holds the node over `pairs`: by hash, or whole when it is short. */
function reference(pairs: readonly Pair[], depth: number, target: string, path: Hex[]): RlpStructuredData {
  const onPath = target.startsWith((pairs[0] as Pair).nibbles.slice(0, depth));
  const below: Hex[] = [];
  const node = buildNode(pairs, depth, target, below);
  const encoded = encodeRlp(node) as Hex;
  const short = encoded.length < 2 + 2 * 32;
  if (onPath) path.push(...(short ? below : [encoded, ...below]));
  return short ? node : keccak256(encoded);
}

function sharedPrefix(pairs: readonly Pair[], depth: number): string {
  let prefix = (pairs[0] as Pair).nibbles.slice(depth);
  for (const { nibbles } of pairs) {
    while (!nibbles.startsWith(prefix, depth)) prefix = prefix.slice(0, -1);
  }
  return prefix;
}

/** Hex-prefix encoding: a flag nibble (2 leaf, 1 odd length), then the nibbles. */
function compact(nibbles: string, leaf: boolean): string {
  const odd = nibbles.length % 2;
  return `0x${(leaf ? 2 : 0) + odd}${odd ? "" : "0"}${nibbles}`;
}

/** The root of a trie without entries: the hash of an empty string's RLP. */
export const emptyRoot = keccak256("0x80") as Hex;

/** Reads the value under `key` from a proof. Throws `ProofError` when the proof does not hold, or proves that there is none. */
export function readEntry(step: ProofStep, root: Hex, key: Hex, path: readonly Hex[]): Hex {
  const value = findEntry(step, root, key, path);
  if (value === undefined) throw broken(step, "it leads to no entry");
  return value;
}

/**
 * Reads from a proof what is under `key`: the value, or undefined when the proof shows that there is none. Each node must
 * hash to its reference and be used, in the only form the trie has it in.
 * @throws ProofError at `step` when the path is not a whole proof of either.
 */
export function findEntry(step: ProofStep, root: Hex, key: Hex, path: readonly Hex[]): Hex | undefined {
  // An empty trie is proven by its root: nodes answer with no path, or with the empty string's RLP.
  if (root === emptyRoot && path.every((node) => node === "0x80") && path.length < 2) return undefined;
  let nibbles = key.slice(2);
  let reference: RlpStructuredData = root;
  let used = 0;
  const end = (value: Hex | undefined): Hex | undefined => {
    if (used === path.length) return value;
    throw broken(step, "nodes follow that do not belong to it");
  };
  for (;;) {
    const node = Array.isArray(reference) ? reference : openNode(step, reference, path[used++]);
    if (!Array.isArray(node)) throw broken(step, "a node is not a list");
    if (node.length === 17) {
      if (node[16] !== "0x" || nibbles === "") throw broken(step, "a branch holds a value");
      reference = childOf(step, node[Number.parseInt(nibbles[0] as string, 16)] as RlpStructuredData);
      nibbles = nibbles.slice(1);
      if (reference === "0x") return end(undefined);
      continue;
    }
    const { part, leaf } = expand(step, node);
    if (leaf && part.length !== nibbles.length) throw broken(step, "a leaf's key has another length");
    if (!nibbles.startsWith(part)) return end(undefined);
    nibbles = nibbles.slice(part.length);
    if (leaf) return end(rlpBytes(step, node[1]));
    reference = childOf(step, node[1] as RlpStructuredData);
    if (reference === "0x" || part === "") throw broken(step, "an extension leads nowhere");
  }
}

/** A child stands in its parent whole when its RLP is under 32 bytes, and by its hash otherwise. */
function childOf(step: ProofStep, reference: RlpStructuredData): RlpStructuredData {
  if (Array.isArray(reference)) {
    if (encodeRlp(reference).length >= 2 + 2 * 32) throw broken(step, "a long node stands inside its parent");
  } else if (reference !== "0x" && reference.length !== 2 + 2 * 32) {
    throw broken(step, "a reference is no hash");
  }
  return reference;
}

function openNode(step: ProofStep, hash: string, encoded: Hex | undefined): RlpStructuredData {
  if (encoded === undefined || keccak256(encoded) !== hash) {
    throw broken(step, "a node is missing or does not hash to its reference");
  }
  return strictRlp(step, encoded);
}

function expand(step: ProofStep, node: readonly RlpStructuredData[]): { part: string; leaf: boolean } {
  if (node.length !== 2) throw broken(step, "a node is neither a branch nor a path");
  const encoded = rlpBytes(step, node[0]);
  const flag = Number.parseInt(encoded[2] ?? "", 16);
  const odd = flag % 2 === 1;
  if (!(flag <= 3) || (!odd && encoded[3] !== "0")) throw broken(step, "a node has an unknown flag");
  return { part: encoded.slice(odd ? 3 : 4), leaf: flag >= 2 };
}

function broken(step: ProofStep, reason: string): ProofError {
  return new ProofError(step, `The path in the trie is broken: ${reason}`);
}

/** A number as an even count of hex digits, without `0x`. */
export function evenHex(value: number | bigint): string {
  const hex = value.toString(16);
  return hex.length % 2 === 0 ? hex : `0${hex}`;
}

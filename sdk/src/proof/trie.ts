import { decodeRlp, encodeRlp, keccak256, type RlpStructuredData } from "ethers";
import type { Hex } from "../bytes.js";
import { ProofError } from "./error.js";

/**
 * Ethereum's Merkle-Patricia trie, as far as block roots need it: built once from all its entries, and read by proof.
 * Keys are the RLP of an index, so no key is the beginning of another and a branch never holds a value.
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

/** Reads the value under `key` from a proof. Throws `ProofError` at the first node that does not belong. */
export function readEntry(root: Hex, key: Hex, path: readonly Hex[]): Hex {
  let nibbles = key.slice(2);
  let expected: RlpStructuredData = root;
  let used = 0;
  for (;;) {
    const node: RlpStructuredData =
      typeof expected === "string" ? openNode(expected, path[used++]) : expected;
    if (!Array.isArray(node)) throw broken("a node is not a list");
    if (node.length === 17) {
      expected = node[Number.parseInt(nibbles[0] ?? "", 16)] ?? "0x";
      nibbles = nibbles.slice(1);
      continue;
    }
    const { part, leaf } = expand(node);
    if (!nibbles.startsWith(part)) throw broken("the path leads to another key");
    nibbles = nibbles.slice(part.length);
    expected = node[1] as RlpStructuredData;
    if (leaf) break;
  }
  if (nibbles !== "" || used !== path.length || typeof expected !== "string") {
    throw broken("the path does not end at the key");
  }
  return expected as Hex;
}

function openNode(hash: string, encoded: Hex | undefined): RlpStructuredData {
  if (encoded === undefined || keccak256(encoded) !== hash)
    throw broken("a node does not hash to its reference");
  return decodeRlp(encoded);
}

function expand(node: readonly RlpStructuredData[]): { part: string; leaf: boolean } {
  const encoded = node.length === 2 ? node[0] : undefined;
  if (typeof encoded !== "string") throw broken("a node is neither a branch nor a path");
  const flag = Number.parseInt(encoded[2] ?? "", 16);
  if (!(flag <= 3)) throw broken("a node has an unknown flag");
  return { part: encoded.slice(flag % 2 === 1 ? 3 : 4), leaf: flag >= 2 };
}

function broken(reason: string): ProofError {
  return new ProofError("receipt", `The receipt's path is broken: ${reason}`);
}

/** A number as an even count of hex digits, without `0x`. */
export function evenHex(value: number | bigint): string {
  const hex = value.toString(16);
  return hex.length % 2 === 0 ? hex : `0${hex}`;
}

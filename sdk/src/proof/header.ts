import { encodeRlp, keccak256 } from "ethers";
import type { Hex } from "../bytes.js";
import { TenonError } from "../errors.js";
import type { ProofStep } from "./error.js";
import { rlpBytes, rlpList, rlpUint, strictRlp } from "./rlp.js";
import { evenHex } from "./trie.js";

/** A block as JSON-RPC gives it. */
export type RpcBlock = Readonly<Record<string, unknown>>;

/**
 * Header fields in the order of their RLP: bytes of a fixed length, a number of at most so many bytes, or any bytes. Each
 * fork appended some, so a header has a prefix of the list: the fifteen of the first fork, or more.
 */
export const headerFields = [
  ["parentHash", "bytes", 32],
  ["sha3Uncles", "bytes", 32],
  ["miner", "bytes", 20],
  ["stateRoot", "bytes", 32],
  ["transactionsRoot", "bytes", 32],
  ["receiptsRoot", "bytes", 32],
  ["logsBloom", "bytes", 256],
  ["difficulty", "number", 32],
  ["number", "number", 8],
  ["gasLimit", "number", 8],
  ["gasUsed", "number", 8],
  ["timestamp", "number", 8],
  ["extraData", "bytes", undefined],
  ["mixHash", "bytes", 32],
  ["nonce", "bytes", 8],
  ["baseFeePerGas", "number", 32],
  ["withdrawalsRoot", "bytes", 32],
  ["blobGasUsed", "number", 8],
  ["excessBlobGas", "number", 8],
  ["parentBeaconBlockRoot", "bytes", 32],
  ["requestsHash", "bytes", 32],
] as const;

const leastFields = 15;
const extraDataField = 12;

/** What a proof reads of a header. */
export interface Header {
  readonly parentHash: Hex;
  /** On QBFT the validator that proposed the block. */
  readonly miner: Hex;
  readonly stateRoot: Hex;
  readonly receiptsRoot: Hex;
  readonly number: bigint;
  /** Seconds since 1970. */
  readonly timestamp: bigint;
  readonly extraData: Hex;
  /** The RLP of the same header with other extra data. */
  withExtraData(extraData: Hex): Hex;
}

/** Reads a header from its RLP; every field must be of its kind and length. Throws `ProofError` at `step`. */
export function readHeader(encoded: Hex, step: ProofStep): Header {
  const items = rlpList(step, strictRlp(step, encoded));
  // A list that is too short or too long is asked for at the nearest length, and so refused.
  const fields = headerFields.slice(0, Math.max(items.length, leastFields));
  rlpList(step, items, fields.length);
  const values = new Map<string, Hex | bigint>();
  fields.forEach(([name, kind, length], i) => {
    const read = kind === "bytes" ? rlpBytes(step, items[i], length) : rlpUint(step, items[i], length);
    values.set(name, read);
  });
  const bytes = (name: string) => values.get(name) as Hex;
  const number = (name: string) => values.get(name) as bigint;
  return {
    parentHash: bytes("parentHash"),
    miner: bytes("miner"),
    stateRoot: bytes("stateRoot"),
    receiptsRoot: bytes("receiptsRoot"),
    number: number("number"),
    timestamp: number("timestamp"),
    extraData: bytes("extraData"),
    withExtraData: (extraData) =>
      encodeRlp(items.map((item, i) => (i === extraDataField ? extraData : item))) as Hex,
  };
}

/** The RLP of a header as JSON-RPC gives it, with its extra data as it stands: on QBFT with the validators' seals. */
export function encodeHeader(block: RpcBlock): Hex {
  const present = headerFields.filter(([name]) => block[name] !== undefined && block[name] !== null);
  return encodeRlp(present.map(([name, kind]) => rpcField(block[name] as string, kind))) as Hex;
}

/** A JSON-RPC value as an RLP item. */
export function rpcField(value: string, kind: "bytes" | "number"): string {
  if (kind === "bytes") return value.toLowerCase();
  return BigInt(value) === 0n ? "0x" : `0x${evenHex(BigInt(value))}`;
}

/** That the node's header is of a kind this version knows. Throws `HeaderHashUnsupported`. */
export function requireHash(block: RpcBlock, encoded: Hex): Hex {
  if (keccak256(encoded) === block.hash) return encoded;
  throw new TenonError("HeaderHashUnsupported", "The header does not hash to the block's hash", {
    args: { number: Number(block.number), hash: block.hash, computed: keccak256(encoded) },
    remedy: "The node answers wrongly, or its chain hashes headers by a rule this version does not know.",
  });
}

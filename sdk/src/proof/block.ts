import { encodeRlp, keccak256 } from "ethers";
import { concatBytes, fromHex, type Hex, toHex } from "../bytes.js";
import { TenonError } from "../errors.js";
import { type RpcSource, rpc } from "../rpc.js";
import { ProofError } from "./error.js";
import { encodeHeader, type RpcBlock, readHeader, requireHash, rpcField } from "./header.js";
import { readQbftHeader } from "./qbft.js";
import { rlpBytes, rlpList, strictRlp } from "./rlp.js";
import { indexKey, proveEntry, readEntry } from "./trie.js";

/** That a log stands in a block, provable with the block's hash alone. Ready for JSON. */
export interface BlockProof {
  /** Decimal in JSON. */
  readonly number: bigint;
  readonly hash: Hex;
  /** The RLP whose Keccak hash is `hash`. */
  readonly header: Hex;
  readonly transactionIndex: number;
  /** The receipt as it stands in the receipts trie, with its type byte. */
  readonly receipt: Hex;
  /** Trie nodes from the header's receipts root to the receipt. */
  readonly receiptPath: readonly Hex[];
  /** Position of the log within the receipt, from 0. */
  readonly logIndex: number;
}

export interface ProvenLog {
  readonly address: Hex;
  readonly topics: readonly Hex[];
  readonly data: Hex;
}

interface RpcReceipt extends RpcBlock {
  readonly transactionHash: string;
  readonly transactionIndex: string;
  readonly blockHash: string;
  readonly logs: readonly { address: string; topics: string[]; data: string; logIndex: string }[];
}

/**
 * Fetches block, receipts and header and proves one log of a transaction. What is returned has been verified.
 * @param logIndex The log's index in the block, as JSON-RPC and ethers give it.
 * @throws TenonError `TransactionNotMined`, `LogNotFound`, `BlockChanged`; `HeaderHashUnsupported` when the header's
 * hash follows a rule this version does not know; `ReceiptsRootMismatch` when the node's receipts are not the block's.
 */
export async function buildBlockProof(
  source: RpcSource,
  transaction: string,
  logIndex: number,
): Promise<BlockProof> {
  const receipt = (await rpc(source, "eth_getTransactionReceipt", [transaction])) as RpcReceipt | null;
  if (receipt === null)
    throw new TenonError("TransactionNotMined", "No block holds the transaction", { args: { transaction } });
  const position = receipt.logs.findIndex((log) => Number(log.logIndex) === logIndex);
  if (position < 0)
    throw new TenonError("LogNotFound", "The transaction has no such log", {
      args: { transaction, logIndex },
    });

  const block = (await rpc(source, "eth_getBlockByHash", [receipt.blockHash, false])) as RpcBlock | null;
  if (block === null)
    throw new TenonError("BlockChanged", "The receipt's block is gone", {
      args: { hash: receipt.blockHash },
    });
  const header = headerRlp(block);
  const receipts = await receiptsOf(source, block);
  const transactionIndex = Number(receipt.transactionIndex);
  const entries = receipts.map((each, index) => ({ key: indexKey(index), value: receiptRlp(each) }));
  const { root, path } = proveEntry(entries, indexKey(transactionIndex));
  if (root !== block.receiptsRoot) {
    throw new TenonError("ReceiptsRootMismatch", "The receipts the node gave are not those of the block", {
      args: { block: Number(block.number), computed: root, header: block.receiptsRoot },
      remedy: "Ask another node.",
    });
  }
  return {
    number: BigInt(block.number as string),
    hash: block.hash as Hex,
    header,
    transactionIndex,
    receipt: entries[transactionIndex]!.value,
    receiptPath: path,
    logIndex: position,
  };
}

/**
 * The RLP whose hash is the block's, from a header as JSON-RPC gives it. On a QBFT chain that is the header as it was
 * before the validators sealed it.
 * @throws TenonError `HeaderHashUnsupported` when neither rule gives the block's hash.
 */
export function headerRlp(block: RpcBlock): Hex {
  const encoded = encodeHeader(block);
  if (keccak256(encoded) === block.hash) return encoded;
  return requireHash(block, unsealed(encoded) ?? encoded);
}

function unsealed(encoded: Hex): Hex | undefined {
  try {
    return readQbftHeader(encoded).unsealed;
  } catch {
    return undefined; // other chains put any bytes there
  }
}

/** A receipt as the trie holds it: RLP, with the transaction's type byte in front when it has a type. */
export function receiptRlp(receipt: RpcBlock): Hex {
  const { logs } = receipt as RpcReceipt;
  const type = Number(receipt.type ?? 0);
  const body = encodeRlp([
    rpcField(receipt.status as string, "number"),
    rpcField(receipt.cumulativeGasUsed as string, "number"),
    receipt.logsBloom as string,
    logs.map(({ address, topics, data }) => [address, topics, data]),
  ]) as Hex;
  return type === 0 ? body : toHex(concatBytes(new Uint8Array([type]), fromHex(body)));
}

/** All receipts of a block, in one call where the node offers it. */
async function receiptsOf(source: RpcSource, block: RpcBlock): Promise<RpcBlock[]> {
  const hashes = block.transactions as string[];
  try {
    const all = await rpc(source, "eth_getBlockReceipts", [block.number]);
    if (Array.isArray(all) && all.length === hashes.length) return all as RpcBlock[];
  } catch {
    // Not every node has the method (Hardhat's does not); each has the one below.
  }
  return Promise.all(
    hashes.map(async (hash) => (await rpc(source, "eth_getTransactionReceipt", [hash])) as RpcBlock),
  );
}

/**
 * Checks a block proof against hashes that the caller trusts; returns the log it proves.
 * @throws ProofError at step `block` or `receipt`.
 */
export function verifyBlockProof(proof: BlockProof, trustedBlockHash: Hex | readonly Hex[]): ProvenLog {
  const trusted = [trustedBlockHash].flat().map((hash) => hash.toLowerCase());
  if (!trusted.includes(proof.hash) || keccak256(proof.header) !== proof.hash) {
    throw new ProofError("block", "The header is not a trusted block's", {
      args: { trusted: trusted.join(", "), given: proof.hash, header: keccak256(proof.header) },
    });
  }
  const { number, receiptsRoot } = readHeader(proof.header, "block");
  if (proof.number !== number) {
    throw new ProofError("block", "The header has another number", { args: { given: proof.number, number } });
  }
  const stored = readEntry("receipt", receiptsRoot, indexKey(proof.transactionIndex), proof.receiptPath);
  if (stored !== proof.receipt) throw new ProofError("receipt", "The receipt is not the one in the block");
  return logOf(stored, proof.logIndex);
}

/** The log at a position of a receipt that succeeded. */
function logOf(receipt: Hex, logIndex: number): ProvenLog {
  const step = "receipt";
  const typed = Number.parseInt(receipt.slice(2, 4), 16) < 0x80;
  const fields = rlpList(step, strictRlp(step, typed ? `0x${receipt.slice(4)}` : receipt), 4);
  if (rlpBytes(step, fields[0]) !== "0x01") throw new ProofError(step, "The transaction failed");
  const [address, topics, data] = rlpList(step, rlpList(step, fields[3])[logIndex], 3);
  return {
    address: rlpBytes(step, address, 20),
    topics: rlpList(step, topics).map((topic) => rlpBytes(step, topic, 32)),
    data: rlpBytes(step, data),
  };
}

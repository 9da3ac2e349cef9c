import type { Hex } from "../../sdk/src/bytes.js";
import { readQbftHeader, sealedHeader, verifyQbftSeals } from "../../sdk/src/proof/qbft.js";
import type { BlockSample } from "./samples.js";

/** A block as JSON-RPC gives it. */
export type RpcHeader = Readonly<Record<string, unknown>> & {
  readonly number: string;
  readonly hash: Hex;
  readonly timestamp: string;
};

/**
 * What health is read from. The seals are verified against the validators that the header itself names.
 * @throws ProofError, TenonError `HeaderNotQbft` for a header that no quorum of its validators sealed.
 */
export function blockSample(block: RpcHeader): BlockSample {
  const header = sealedHeader(block);
  const { validators, round } = readQbftHeader(header);
  // Nobody proposed or sealed block 0; it says who is to make the first.
  const signers = Number(block.number) === 0 ? [] : verifyQbftSeals(header, validators).signers;
  return {
    number: Number(block.number),
    hash: block.hash,
    timestamp: Number(block.timestamp),
    transactions: (block.transactions as unknown[]).length,
    gasUsed: Number(block.gasUsed),
    gasLimit: Number(block.gasLimit),
    round,
    proposer: (block.miner as string).toLowerCase() as Hex,
    validators: [...validators],
    sealers: [...signers],
  };
}

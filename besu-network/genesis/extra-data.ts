import { decodeRlp, encodeRlp, type RlpStructuredData } from "ethers";
import type { Hex } from "../../sdk/src/bytes.js";
import { TenonError } from "../../sdk/src/errors.js";

/** What a QBFT header carries in `extraData`. */
export interface ExtraData {
  /** 32 bytes of the proposer's choice; zeros in a genesis. */
  vanity: Hex;
  /** Addresses that may propose and sign, lower case; empty when a contract names them. */
  validators: Hex[];
  /** The proposer's vote on one address, if it casts one. */
  vote: { validator: Hex; add: boolean } | null;
  /** In which round the block was agreed on; 0 when all went well. */
  round: number;
  /** Commit seals, 65 bytes each; none in a genesis. */
  seals: Hex[];
}

const NO_VANITY: Hex = `0x${"00".repeat(32)}`;

/** The RLP of `[vanity, validators, vote, round, seals]`; what is left out is as in a genesis. */
export function encodeExtraData(data: Partial<ExtraData>): Hex {
  const { vanity = NO_VANITY, validators = [], vote = null, round = 0, seals = [] } = data;
  const voted = vote === null ? [] : [vote.validator, vote.add ? "0xff" : "0x"];
  return encodeRlp([vanity, validators, voted, scalar(round), seals]) as Hex;
}

/** Reads `extraData`; throws `ExtraDataInvalid` saying what is wrong with it. */
export function decodeExtraData(encoded: string): ExtraData {
  const items = list(decoded(encoded), "the whole", encoded);
  if (items.length !== 5) throw invalid(encoded, `it has ${items.length} items instead of 5`);
  const [vanity, validators, vote, round, seals] = items;
  return {
    vanity: bytes(vanity, 32, "vanity", encoded),
    validators: list(validators, "validators", encoded).map((one) => bytes(one, 20, "a validator", encoded)),
    vote: decodeVote(list(vote, "the vote", encoded), encoded),
    round: decodeRound(round, encoded),
    seals: list(seals, "seals", encoded).map((one) => bytes(one, 65, "a seal", encoded)),
  };
}

function decoded(encoded: string): RlpStructuredData {
  try {
    return decodeRlp(encoded);
  } catch {
    throw invalid(encoded, "it is not RLP");
  }
}

function decodeVote(items: RlpStructuredData[], encoded: string): ExtraData["vote"] {
  if (items.length === 0) return null;
  const [validator, kind] = items;
  if (items.length !== 2 || (kind !== "0xff" && kind !== "0x")) throw invalid(encoded, "its vote is not one");
  return { validator: bytes(validator, 20, "the vote", encoded), add: kind === "0xff" };
}

function decodeRound(item: RlpStructuredData | undefined, encoded: string): number {
  if (typeof item !== "string" || !/^0x(?!00)([0-9a-f]{2}){0,4}$/.test(item)) {
    throw invalid(encoded, "its round is not a whole number (IBFT 2.0 writes four bytes, QBFT does not)");
  }
  return item === "0x" ? 0 : Number(item);
}

function list(item: RlpStructuredData | undefined, what: string, encoded: string): RlpStructuredData[] {
  if (!Array.isArray(item)) throw invalid(encoded, `${what} is not a list`);
  return item;
}

function bytes(item: RlpStructuredData | undefined, length: number, what: string, encoded: string): Hex {
  if (typeof item !== "string" || item.length !== 2 + 2 * length) {
    throw invalid(encoded, `${what} is not ${length} bytes long`);
  }
  return item as Hex;
}

/** A number as RLP has it: without leading zero bytes, zero as nothing. */
export function scalar(value: number | bigint): Hex {
  if (BigInt(value) === 0n) return "0x";
  const hex = value.toString(16);
  return hex.length % 2 === 0 ? `0x${hex}` : `0x0${hex}`;
}

function invalid(given: string, reason: string): TenonError {
  return new TenonError("ExtraDataInvalid", "This is not the extraData of a QBFT block", {
    args: { given, reason },
    remedy: "It is the RLP of five items: 32 bytes, validators, vote, round, seals.",
  });
}

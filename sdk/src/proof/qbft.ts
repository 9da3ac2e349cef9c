import { computeAddress, encodeRlp, isAddress, keccak256, type RlpStructuredData, SigningKey } from "ethers";
import type { Hex } from "../bytes.js";
import { TenonError } from "../errors.js";
import { ProofError } from "./error.js";
import { encodeHeader, type Header, type RpcBlock, readHeader, requireHash } from "./header.js";
import { rlpBytes, rlpList, rlpUint, strictRlp } from "./rlp.js";

/**
 * QBFT headers. The extra data is a list of vanity, validators, vote, round and commit seals. The block's hash is that of
 * the header with round 0 and no seals, so it does not depend on who sealed it and when; a validator seals the header with
 * the real round and no seals.
 *
 * A header says nothing of the chain it belongs to: what binds it is that these validators sealed it. So a key must
 * validate on one chain only (`network:create` draws new keys for each), and whoever verifies must know the set that was
 * in force at the block.
 */
export interface QbftHeader extends Omit<Header, "extraData" | "withExtraData"> {
  /** The block's hash. */
  readonly hash: Hex;
  /** The RLP of which `hash` is the hash. */
  readonly unsealed: Hex;
  /** The set in force at this block, as the header itself names it. */
  readonly validators: readonly Hex[];
  /** The proposer's vote to add or remove a validator. */
  readonly vote: { readonly subject: Hex; readonly add: boolean } | undefined;
  /** 0, or how often the validators had to begin anew before this block. */
  readonly round: number;
  /** 65 bytes each: r, s and the recovery bit. */
  readonly seals: readonly Hex[];
  /** What the seals sign. */
  readonly sealed: Hex;
}

/** A header that a quorum of trusted validators sealed. */
export interface SealedHeader extends QbftHeader {
  /** Who sealed it, in the order of the seals. */
  readonly signers: readonly Hex[];
}

const step = "seals";
/** Half the order of secp256k1: the larger of the two forms of s is refused, or a seal could be changed without its key. */
const halfOrder = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
const roundBytes = 4;

/**
 * Checks that a quorum of the validators sealed a header; each validator counts once. The header must name the same set,
 * no seal may be another's, and each must be in its one valid form.
 * @param header RLP of the whole header, seals included (`sealedHeader` makes it from what a node answers).
 * @param validators Addresses of the set in force at this block, from a source the caller trusts.
 * @throws ProofError at step `seals`; TenonError `ValidatorsInvalid` when the trusted set is none.
 */
export function verifyQbftSeals(header: Hex, validators: readonly string[]): SealedHeader {
  const trusted = checkValidators(validators);
  const parsed = readQbftHeader(header);
  if (!sameSet(parsed.validators, trusted)) {
    throw new ProofError(step, "The header names other validators than the trusted ones", {
      args: {
        block: parsed.number,
        named: parsed.validators.join(", "),
        trusted: [...trusted].join(", "),
      },
      remedy:
        "Trust the set that was in force at this block, if you have it from a good source, or ask for a bundle that shows how the set changed.",
    });
  }
  const signers = parsed.seals.map((seal) => signerOf(seal, parsed));
  const foreign = signers.find((signer) => !trusted.has(signer));
  if (foreign !== undefined) {
    throw new ProofError(step, "A seal was not made by a trusted validator for this header", {
      args: { block: parsed.number, signer: foreign },
    });
  }
  if (new Set(signers).size !== signers.length) {
    throw new ProofError(step, "A validator sealed the header twice", { args: { block: parsed.number } });
  }
  if (signers.length < quorumOf(trusted.size)) {
    throw new ProofError(step, "Too few validators sealed the header", {
      args: { block: parsed.number, seals: signers.length, required: quorumOf(trusted.size) },
    });
  }
  return { ...parsed, signers };
}

/** How many of `validators` must seal a block: two thirds, rounded up. */
export function quorumOf(validators: number): number {
  return Math.ceil((2 * validators) / 3);
}

/** Reads a QBFT header from its RLP, without judging its seals. Throws `ProofError` at step `seals`. */
export function readQbftHeader(encoded: Hex): QbftHeader {
  const { extraData, withExtraData, ...header } = readHeader(encoded, step);
  const parts = rlpList(step, strictRlp(step, extraData), 5);
  const [vanity, validators, vote, round, seals] = parts;
  const unsealed = withExtraData(encodeRlp([...parts.slice(0, 3), "0x", []]) as Hex);
  rlpBytes(step, vanity, 32);
  return {
    ...header,
    hash: keccak256(unsealed) as Hex,
    unsealed,
    validators: distinct(rlpList(step, validators).map((address) => rlpBytes(step, address, 20))),
    vote: voteOf(rlpList(step, vote)),
    round: Number(rlpUint(step, round, roundBytes)),
    seals: rlpList(step, seals).map((seal) => rlpBytes(step, seal, 65)),
    sealed: keccak256(withExtraData(encodeRlp([...parts.slice(0, 4), []]) as Hex)) as Hex,
  };
}

/**
 * The RLP of a block's header with its seals, from the block as JSON-RPC gives it.
 * @throws TenonError `HeaderNotQbft`, `HeaderHashUnsupported`.
 */
export function sealedHeader(block: RpcBlock): Hex {
  const encoded = encodeHeader(block);
  let header: QbftHeader;
  try {
    header = readQbftHeader(encoded);
  } catch (cause) {
    throw new TenonError("HeaderNotQbft", "The block's header is not one of a QBFT chain", {
      args: { number: Number(block.number), hash: block.hash },
      remedy: "Only a QBFT network's validators seal blocks; elsewhere trust a block's hash.",
      cause,
    });
  }
  requireHash(block, header.unsealed);
  return encoded;
}

/** A trusted set in lower case. Throws `ValidatorsInvalid` when it is empty, names one twice or names no address. */
export function checkValidators(validators: readonly string[]): ReadonlySet<Hex> {
  const wrong = validators.find((address) => !isAddress(address));
  const set = new Set(validators.map((address) => address.toLowerCase() as Hex));
  if (wrong === undefined && set.size === validators.length && set.size > 0) return set;
  throw new TenonError("ValidatorsInvalid", "The trusted validators are not a set of addresses", {
    args: { given: validators.join(", "), wrong: wrong ?? (set.size === 0 ? "none given" : "one twice") },
    remedy: "Give each validator's address once, or the network's genesis file.",
  });
}

export function sameSet(given: readonly Hex[], expected: ReadonlySet<Hex>): boolean {
  return given.length === expected.size && given.every((address) => expected.has(address));
}

function distinct(addresses: Hex[]): Hex[] {
  if (new Set(addresses).size === addresses.length) return addresses;
  throw new ProofError(step, "The header names a validator twice");
}

function voteOf(parts: RlpStructuredData[]): QbftHeader["vote"] {
  if (parts.length === 0) return undefined;
  const [subject, value] = rlpList(step, parts, 2);
  const vote = rlpBytes(step, value);
  if (vote !== "0xff" && vote !== "0x") {
    throw new ProofError(step, "A vote neither adds nor removes", { args: { vote } });
  }
  return { subject: rlpBytes(step, subject, 20), add: vote === "0xff" };
}

function signerOf(seal: Hex, { number, sealed }: QbftHeader): Hex {
  const [r, s, v] = [seal.slice(0, 66), `0x${seal.slice(66, 130)}`, seal.slice(130)];
  const fault = (reason: string, cause?: unknown) =>
    new ProofError(step, "A seal is not a signature in its one valid form", {
      args: { block: number, reason },
      cause,
    });
  if (v !== "00" && v !== "01") throw fault(`its last byte is ${v}, not 00 or 01`);
  if (BigInt(s) > halfOrder) throw fault("its s is in the upper half");
  try {
    const key = SigningKey.recoverPublicKey(sealed, { r, s, v: v === "00" ? 27 : 28 });
    return computeAddress(key).toLowerCase() as Hex;
  } catch (cause) {
    throw fault("no key can have made it", cause);
  }
}

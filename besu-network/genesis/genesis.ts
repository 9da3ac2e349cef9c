import { encodeRlp, keccak256, toBeHex } from "ethers";
import type { Hex } from "../../sdk/src/bytes.js";
import { encodeExtraData, scalar } from "./extra-data.js";
import { type Allocation, stateRoot } from "./state-root.js";

/** A genesis file as Besu reads it, with the keys this project writes. */
export interface Genesis {
  config: {
    chainId: number;
    berlinBlock: 0;
    londonBlock: 0;
    shanghaiTime: 0;
    cancunTime: 0;
    pragueTime: 0;
    osakaTime: 0;
    zeroBaseFee: true;
    qbft: {
      blockperiodseconds: number;
      emptyblockperiodseconds?: number;
      requesttimeoutseconds: number;
      epochlength: number;
      pertxgaslimit: number;
    };
  };
  nonce: Hex;
  timestamp: Hex;
  gasLimit: Hex;
  /** Stated, because Besu puts 1 gwei into block 0 when it is left out. */
  baseFeePerGas: Hex;
  difficulty: Hex;
  mixHash: Hex;
  coinbase: Hex;
  extraData: Hex;
  alloc: Record<string, Allocation>;
}

/** The most gas one transaction may use (EIP-7825, 2^24): stated, so that no later default changes it. */
export const TRANSACTION_GAS = 16_777_216;

/** Seconds of execution are what a block costs: 60M gas is about 1,700 token transfers, more than two cores do in a second. */
export const BLOCK_GAS = 60_000_000;

/** Every QBFT header has it; Besu refuses a block with another. */
export const QBFT_MIX_HASH: Hex = "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365";

/** What a network chooses; all else is decided here. */
export interface GenesisChoices {
  chainId: number;
  validators: Hex[];
  /** Seconds from block to block. */
  blockPeriod: number;
  /** Seconds between blocks while nothing happens; left out, empty blocks come as often as others. */
  emptyBlockPeriod?: number | undefined;
  /** Gas a block may hold; 60 million unless given. */
  gasLimit?: number | undefined;
  /** Seconds since 1970. */
  timestamp: number;
}

/**
 * The genesis of a network: QBFT, Osaka from the first block (P-256 verification is a precompile), zero base fee, no
 * money, no system contracts (QBFT never calls them). The timeout of round 0 is twice the block period: shorter, and a
 * slow selection of transactions splits the validators; longer, and every block of a dead proposer costs more.
 */
export function genesisOf(choices: GenesisChoices): Genesis {
  const { chainId, blockPeriod, emptyBlockPeriod, gasLimit = BLOCK_GAS } = choices;
  const forks = {
    berlinBlock: 0,
    londonBlock: 0,
    shanghaiTime: 0,
    cancunTime: 0,
    pragueTime: 0,
    osakaTime: 0,
  };
  return {
    config: {
      chainId,
      ...(forks as Record<keyof typeof forks, 0>),
      zeroBaseFee: true,
      qbft: {
        blockperiodseconds: blockPeriod,
        ...(emptyBlockPeriod === undefined ? {} : { emptyblockperiodseconds: emptyBlockPeriod }),
        requesttimeoutseconds: 2 * blockPeriod,
        epochlength: 30_000,
        pertxgaslimit: TRANSACTION_GAS,
      },
    },
    nonce: "0x0",
    timestamp: `0x${choices.timestamp.toString(16)}`,
    gasLimit: `0x${gasLimit.toString(16)}`,
    baseFeePerGas: "0x0",
    difficulty: "0x1",
    mixHash: QBFT_MIX_HASH,
    coinbase: `0x${"00".repeat(20)}`,
    extraData: encodeExtraData({ validators: [...choices.validators].sort() }),
    alloc: {},
  };
}

const EMPTY_LIST = keccak256("0xc0");
const EMPTY_TRIE = keccak256("0x80");
const EMPTY_SHA256: Hex = "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const ZERO_HASH = toBeHex(0, 32);

/** The hash of block 0 of a genesis with Osaka at 0 and zero base fee, as Besu computes it. */
export function genesisHash(genesis: Genesis): Hex {
  const fixed = (value: string, bytes: number) => toBeHex(BigInt(value), bytes);
  const header = [
    ZERO_HASH,
    EMPTY_LIST,
    fixed(genesis.coinbase, 20),
    stateRoot(genesis.alloc),
    EMPTY_TRIE,
    EMPTY_TRIE,
    toBeHex(0, 256),
    scalar(BigInt(genesis.difficulty)),
    "0x", // number
    scalar(BigInt(genesis.gasLimit)),
    "0x", // gas used
    scalar(BigInt(genesis.timestamp)),
    genesis.extraData,
    fixed(genesis.mixHash, 32),
    fixed(genesis.nonce, 8),
    scalar(BigInt(genesis.baseFeePerGas)),
    EMPTY_TRIE, // withdrawals
    "0x", // blob gas used
    "0x", // excess blob gas
    ZERO_HASH, // parent beacon block root
    EMPTY_SHA256, // requests
  ];
  return keccak256(encodeRlp(header)) as Hex;
}

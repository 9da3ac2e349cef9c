import type { EIP1193Provider } from "hardhat/types/providers";
import type { Hex } from "../../sdk/src/bytes.js";
import { TenonError } from "../../sdk/src/errors.js";

/** EIP-7825: what one transaction may use since Osaka. A block must hold one such transaction. */
export const TRANSACTION_GAS_CAP = 16_777_216n;

export interface ChainFacts {
  chainId: number;
  genesisHash: Hex;
}

/**
 * One question a fork, each a few bytes of creation code: it answers `expected` under the fork's rules and fails, or
 * answers nothing, before it. Newest first.
 */
const forkProbes: { fork: string; code: string; expected: string }[] = [
  // PUSH1 1, CLZ (EIP-7939): 255 leading zeros
  { fork: "osaka", code: "0x60011e60005260206000f3", expected: word(255n) },
  // staticcall BLS12_G1ADD (EIP-2537) with two points at infinity, return its output length
  { fork: "prague", code: "0x600060006101006000600b5afa503d60005260206000f3", expected: word(128n) },
  // MCOPY of nothing (EIP-5656), then 1
  { fork: "cancun", code: "0x6000600060005e600160005260206000f3", expected: word(1n) },
  // PUSH0 (EIP-3855), then 1
  { fork: "shanghai", code: "0x5f50600160005260206000f3", expected: word(1n) },
  { fork: "paris", code: "0x600160005260206000f3", expected: word(1n) },
];

/** A valid P-256 signature (digest, r, s, x, y): the precompile of EIP-7951 answers 1. */
const P256_VECTOR =
  "0x4cee90eb86eaa050036147a12d49004b6b9c72bd725d39d4785011fe190f0b4da73bd4903f0ce3b639bbbf6e8e80d16931ff4bcf5993d58468e8fb19086e8cac36dbcd03009df8c59286b162af3bd7fcc0450c9aa81be5d10d312af6c66b1d604aebd3099c618202fcfe16ae7770b0c49ab5eadf74b754204a3bb6060e44eff37618b065f9832de4ca6ca971a7a1adc826d0f7c00181a5fb2ddf79ae00b4e10e";
const P256_PRECOMPILE = "0x0000000000000000000000000000000000000100";

/**
 * Checks, before anything is sent, that the chain runs the rules that the contracts were compiled for. Throws
 * `ForkTooOld`, `PrecompileMissing`, `BaseFeeNotZero` or `BlockGasTooSmall`.
 */
export async function checkChain(provider: EIP1193Provider, evmVersion: string): Promise<ChainFacts> {
  const chainId = Number(await provider.request({ method: "eth_chainId" }));
  const genesis = (await provider.request({
    method: "eth_getBlockByNumber",
    params: ["0x0", false],
  })) as { hash: Hex };
  await checkFork(provider, evmVersion);
  await checkBlock(provider);
  return { chainId, genesisHash: genesis.hash };
}

async function checkFork(provider: EIP1193Provider, evmVersion: string): Promise<void> {
  const forks = forkProbes.map((probe) => probe.fork);
  if (!forks.includes(evmVersion)) {
    throw new TenonError(
      "EvmVersionUnknown",
      "No probe is known for the fork the contracts are compiled for",
      {
        args: { evmVersion, known: forks.join(", ") },
        remedy: "Add its probe to tasks/deploy/chain-check.ts.",
      },
    );
  }
  const running = await newestFork(provider);
  if (forks.indexOf(running) > forks.indexOf(evmVersion)) {
    throw new TenonError(
      "ForkTooOld",
      `The chain runs ${title(running)} rules, but the contracts are compiled for ${title(evmVersion)}`,
      {
        args: { chain: running, contracts: evmVersion },
        remedy: `Set ${evmVersion}Time: 0 in the config of the genesis file and start the network anew, or wait until the fork is active.`,
      },
    );
  }
  if (evmVersion !== "osaka") return;
  const answer = await call(provider, { to: P256_PRECOMPILE, data: P256_VECTOR });
  if (answer !== word(1n)) {
    throw new TenonError("PrecompileMissing", "The chain does not verify P-256 signatures at address 0x100", {
      args: { precompile: P256_PRECOMPILE, answered: answer ?? "an error" },
      remedy: "Use a client with EIP-7951 (Besu 25.7 or later) and set osakaTime: 0 in its genesis file.",
    });
  }
}

async function newestFork(provider: EIP1193Provider): Promise<string> {
  for (const { fork, code, expected } of forkProbes) {
    if ((await call(provider, { data: code })) === expected) return fork;
  }
  // Not even a constant comes back: the node does not answer eth_call at all; let its own words be heard.
  const last = forkProbes.at(-1)!;
  await provider.request({ method: "eth_call", params: [{ data: last.code }, "latest"] });
  return last.fork;
}

/** The answer of a call, or undefined when it fails: a missing opcode is an error, and which one varies by client. */
async function call(provider: EIP1193Provider, transaction: object): Promise<string | undefined> {
  try {
    return (await provider.request({ method: "eth_call", params: [transaction, "latest"] })) as string;
  } catch {
    return undefined;
  }
}

async function checkBlock(provider: EIP1193Provider): Promise<void> {
  const block = (await provider.request({
    method: "eth_getBlockByNumber",
    params: ["latest", false],
  })) as { baseFeePerGas?: string; gasLimit: string };
  const baseFee = BigInt(block.baseFeePerGas ?? "0x0");
  if (baseFee !== 0n) {
    throw new TenonError(
      "BaseFeeNotZero",
      "The chain charges for gas; members of this consortium hold no coins",
      {
        args: { baseFeePerGas: baseFee },
        remedy: "Set zeroBaseFee: true in the config of the genesis file.",
      },
    );
  }
  if (BigInt(block.gasLimit) < TRANSACTION_GAS_CAP) {
    throw new TenonError(
      "BlockGasTooSmall",
      "A block of this chain cannot hold the largest transaction allowed",
      {
        args: { blockGasLimit: BigInt(block.gasLimit), needed: TRANSACTION_GAS_CAP },
        remedy: "Raise gasLimit in the genesis file (and the target gas limit of the validators).",
      },
    );
  }
}

function word(value: bigint): string {
  return `0x${value.toString(16).padStart(64, "0")}`;
}

function title(fork: string): string {
  return fork.charAt(0).toUpperCase() + fork.slice(1);
}

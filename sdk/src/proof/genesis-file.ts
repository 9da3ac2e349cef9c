import type { Hex } from "../bytes.js";
import { TenonError } from "../errors.js";

/** What a verifier takes from the network's genesis file. */
export interface GenesisFile {
  readonly chainId: number;
  /** Holds the first validators. */
  readonly extraData: Hex;
  /** Votes on validators are forgotten every so many blocks. */
  readonly epochLength: bigint;
}

/** Besu's own value where a genesis file gives none. */
export const defaultEpochLength = 30_000n;

/** Reads a parsed genesis file. Besu reads its keys in any case. Throws TenonError `GenesisInvalid`. */
export function readGenesisFile(value: unknown): GenesisFile {
  const file = lower(value);
  const config = lower(file.config);
  const chainId = config.chainid;
  const epochLength = lower(config.qbft).epochlength ?? Number(defaultEpochLength);
  const extraData = file.extradata;
  if (!isCount(chainId)) throw invalid("config.chainId", chainId, "a number");
  if (typeof extraData !== "string" || !/^0x([0-9a-fA-F]{2})+$/.test(extraData))
    throw invalid("extraData", extraData, "hex bytes");
  if (!isCount(epochLength)) throw invalid("config.qbft.epochlength", epochLength, "a number");
  return { chainId, extraData: extraData.toLowerCase() as Hex, epochLength: BigInt(epochLength) };
}

function lower(value: unknown): Record<string, unknown> {
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(entries.map(([name, field]) => [name.toLowerCase(), field]));
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function invalid(field: string, given: unknown, expected: string): TenonError {
  return new TenonError("GenesisInvalid", "This is no genesis file of a QBFT network", {
    args: { field, given: JSON.stringify(given) ?? "nothing", expected },
    remedy: "Give the genesis.json that the network's nodes start with.",
  });
}

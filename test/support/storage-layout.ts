import { readFileSync } from "node:fs";
import { artifacts } from "hardhat";
import solc from "solc";

/** One variable of a contract's storage, as the compiler lays it out. */
export interface StorageVariable {
  label: string;
  slot: string;
  offset: number;
  type: string;
}

export interface StorageLayout {
  storage: StorageVariable[];
  types: Record<string, { label: string; members?: StorageVariable[] }>;
}

/** Asks the compiler for a contract's storage layout, with the very input of the build; no code is generated. */
export async function storageLayoutOf(contract: string): Promise<StorageLayout> {
  const { inputSourceName: source } = await artifacts.readArtifact(contract);
  const id = await artifacts.getBuildInfoId(contract);
  const path = await artifacts.getBuildInfoPath(id!);
  const { input } = JSON.parse(readFileSync(path!, "utf8")) as { input: { settings: object } };
  const settings = { ...input.settings, outputSelection: { [source!]: { [contract]: ["storageLayout"] } } };
  const output = JSON.parse(solc.compile(JSON.stringify({ ...input, settings })));
  return output.contracts[source!][contract].storageLayout as StorageLayout;
}

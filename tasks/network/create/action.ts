import { relative } from "node:path";
import { createBundle } from "../../../besu-network/bundle/create.js";
import type { Bundle, RunMode } from "../../../besu-network/bundle/manifest.js";
import { readNetworkMembers } from "../../../besu-network/bundle/members.js";
import { dockerState } from "../../../besu-network/run/docker.js";
import { findBesu, howToGetBesu } from "../../../besu-network/run/version.js";
import type { Hex } from "../../../sdk/src/bytes.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { wholeNumber } from "../../options.js";
import { answering } from "../../run.js";
import { dirGiven } from "../bundle.js";

type Text = string | undefined;

interface CreateArguments {
  out: string;
  validators: Text;
  rpcNodes: Text;
  observers: Text;
  members: Text;
  chainId: Text;
  blockPeriod: Text;
  emptyBlockPeriod: Text;
  gasLimit: Text;
  storage: Text;
  mode: Text;
  portBase: Text;
  subnet: Text;
  accounts: Text;
  json: boolean;
}

export default async (given: CreateArguments): Promise<void> =>
  answering(async () => {
    const mode = oneOf("mode", given.mode, ["docker", "local"] as const) ?? (await usualMode());
    const bundles = await createBundle({
      out: given.out,
      mode,
      validators: wholeNumber("validators", given.validators),
      rpcNodes: wholeNumber("rpc-nodes", given.rpcNodes),
      observers: wholeNumber("observers", given.observers),
      members: given.members === undefined ? undefined : readNetworkMembers(given.members, mode),
      chainId: wholeNumber("chain-id", given.chainId),
      blockPeriod: wholeNumber("block-period", given.blockPeriod),
      emptyBlockPeriod: wholeNumber("empty-block-period", given.emptyBlockPeriod),
      gasLimit: wholeNumber("gas-limit", given.gasLimit),
      storage: oneOf("storage", given.storage?.toUpperCase(), ["FOREST", "BONSAI"] as const),
      portBase: wholeNumber("port-base", given.portBase),
      subnet: given.subnet,
      accounts: given.accounts?.split(",").map((account) => account.trim().toLowerCase() as Hex),
    });
    if (given.json) console.log(JSON.stringify(bundles.map(summary)));
    else print(bundles, mode);
  });

/** Containers where Docker works, processes elsewhere. */
async function usualMode(): Promise<RunMode> {
  return (await dockerState()) === "works" ? "docker" : "local";
}

function summary({ dir, manifest }: Bundle) {
  const { organisation, chainId, genesisHash } = manifest;
  const nodes = manifest.nodes.filter((node) => node.organisation === organisation).map(({ name }) => name);
  return { dir, organisation, chainId, genesisHash, nodes };
}

function print(bundles: Bundle[], mode: RunMode): void {
  for (const bundle of bundles) {
    const { dir, organisation, nodes } = summary(bundle);
    console.log(`${organisation}: ${nodes.join(", ")} in ${relative("", dir) || "."}`);
  }
  const [first] = bundles;
  if (first === undefined) return;
  const { chainId, genesisHash, subnet } = first.manifest;
  const how = mode === "docker" ? `containers in ${subnet}` : "processes of the besu on this machine";
  console.log(`Chain ${chainId}, genesis ${genesisHash}; ${how}.`);
  console.log("The keys exist nowhere else; README.md in the folder says which they are and how it runs.");
  if (bundles.length > 1) console.log("Give each organisation its folder, and nobody another's.");
  if (mode === "local" && findBesu() === undefined) console.log(`There is no besu here yet. ${howToGetBesu}`);
  console.log(`Start it: npx hardhat network up${dirGiven(first)}`);
}

function oneOf<T extends string>(option: string, text: Text, allowed: readonly T[]): T | undefined {
  if (text === undefined) return undefined;
  const found = allowed.find((value) => value === text);
  if (found !== undefined) return found;
  throw refused(option, text, allowed.join(" or ").toLowerCase());
}

function refused(option: string, given: string, expected: string): TenonError {
  return new TenonError("NetworkOptionInvalid", `The network cannot be made with this --${option}`, {
    args: { given, expected },
    remedy: "Give another; nothing was written.",
  });
}

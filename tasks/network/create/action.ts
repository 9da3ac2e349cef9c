import { relative } from "node:path";
import { createBundle } from "../../../besu-network/bundle/create.js";
import type { Bundle, RunMode } from "../../../besu-network/bundle/manifest.js";
import { readNetworkMembers } from "../../../besu-network/bundle/members.js";
import type { Hex } from "../../../sdk/src/bytes.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { answering } from "../../run.js";

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
    const mode = oneOf("mode", given.mode, ["docker", "local"] as const) ?? "local";
    const bundles = await createBundle({
      out: given.out,
      mode,
      validators: whole("validators", given.validators),
      rpcNodes: whole("rpc-nodes", given.rpcNodes),
      observers: whole("observers", given.observers),
      members: given.members === undefined ? undefined : readNetworkMembers(given.members, mode),
      chainId: whole("chain-id", given.chainId),
      blockPeriod: whole("block-period", given.blockPeriod),
      emptyBlockPeriod: whole("empty-block-period", given.emptyBlockPeriod),
      gasLimit: whole("gas-limit", given.gasLimit),
      storage: oneOf("storage", given.storage?.toUpperCase(), ["FOREST", "BONSAI"] as const),
      portBase: whole("port-base", given.portBase),
      subnet: given.subnet,
      accounts: given.accounts?.split(",").map((account) => account.trim().toLowerCase() as Hex),
    });
    if (given.json) console.log(JSON.stringify(bundles.map(summary)));
    else print(bundles, mode);
  });

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
  const { dir, manifest } = bundles[0]!;
  console.log(`chain ${manifest.chainId}, genesis ${manifest.genesisHash}, ${mode}`);
  console.log(
    `Its keys exist nowhere else. Start it with npx hardhat network up --dir ${relative("", dir) || "."}`,
  );
}

function whole(option: string, text: Text): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw refused(option, text, "a whole number");
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

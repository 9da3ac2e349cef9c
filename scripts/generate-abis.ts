import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { TenonError } from "../sdk/src/errors.js";

/**
 * Writes `sdk/src/generated/abis.ts` from the Hardhat artifacts: every ABI of the product `as const`, so that viem
 * infers the types of calls, events and errors from it. `npm run build` runs it after the compiler.
 *
 * Interfaces stay out when the contract that implements them is there: its ABI holds all of theirs.
 */
interface Artifact {
  contractName: string;
  abi: unknown[];
  bytecode: string;
}

const root = fileURLToPath(new URL("..", import.meta.url));

function artifactsUnder(folder: string): Artifact[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".json") && !file.startsWith("build-info"))
    .map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as Artifact)
    .filter((artifact) => Array.isArray(artifact.abi) && artifact.abi.length > 0);
}

function worthExporting(artifact: Artifact, all: Artifact[]): boolean {
  const implementation = artifact.contractName.replace(/^I(?=[A-Z])/, "");
  return artifact.bytecode !== "0x" || !all.some(({ contractName }) => contractName === implementation);
}

function constantName(contractName: string): string {
  return `${contractName.charAt(0).toLowerCase()}${contractName.slice(1)}Abi`;
}

const all = artifactsUnder(join(root, "artifacts")).sort((a, b) =>
  a.contractName < b.contractName ? -1 : 1,
);
const chosen = all.filter((artifact) => worthExporting(artifact, all));
const names = chosen.map(({ contractName }) => contractName);
const twice = names.find((name, i) => names.indexOf(name) !== i);
if (twice !== undefined) {
  throw new TenonError("ContractNameTaken", "Two contracts have the same name", {
    args: { name: twice },
    remedy: "Give one of them another name: names are the keys of the ABI table.",
  });
}

const constants = chosen.map(
  ({ contractName, abi }) =>
    `export const ${constantName(contractName)} = ${JSON.stringify(abi)} as const;\n`,
);
const table = names.map((name) => `  ${name}: ${constantName(name)},\n`).join("");
const target = join(root, "sdk/src/generated/abis.ts");

mkdirSync(join(root, "sdk/src/generated"), { recursive: true });
writeFileSync(
  target,
  `// Written by scripts/${basename(fileURLToPath(import.meta.url))}; not in the repository.\n\n${constants.join("\n")}
/** Every ABI by the name of its contract. */
export const abis = {
${table}} as const;
`,
);

import { globSync, readFileSync } from "node:fs";
import { Interface } from "ethers";
import type { Hex } from "../../sdk/src/bytes.js";
import { TenonError } from "../../sdk/src/errors.js";
import type { DeviceKey } from "../../sdk/src/frame/key.js";

export type Rpc = (method: string, params: unknown[]) => Promise<unknown>;

/** One question to the contracts' signature library. */
export interface EcdsaCase {
  readonly key: DeviceKey;
  readonly digest: Hex;
  readonly r: Hex;
  readonly s: Hex;
}

/** Where the harness is pretended to stand; any address without code. */
const PLACE = "0x7951000000000000000000000000000000000001";

/** A refusal costs 15,000 gas where the precompile is, and much more where it is not. */
const AT_ONCE = 50;

/** What `DeviceSignature` says, as contracts use it that accept both forms of `s`. Calls only: nothing is deployed. */
export async function verifiedByContract(rpc: Rpc, cases: EcdsaCase[]): Promise<boolean[]> {
  const { abi, deployedBytecode } = harness();
  const face = new Interface(abi);
  const verdicts: boolean[] = [];
  for (let from = 0; from < cases.length; from += AT_ONCE) {
    const data = face.encodeFunctionData("areValid", [cases.slice(from, from + AT_ONCE)]);
    const override = { [PLACE]: { code: deployedBytecode } };
    const answer = (await rpc("eth_call", [{ to: PLACE, data }, "latest", override])) as string;
    verdicts.push(...(face.decodeFunctionResult("areValid", answer)[0] as boolean[]));
  }
  return verdicts;
}

function harness(): { abi: []; deployedBytecode: string } {
  const [file] = globSync("cache/test-artifacts/**/SignatureHarness.json");
  if (file === undefined) {
    throw new TenonError("HarnessMissing", "The test harness is not compiled", {
      remedy: "Run npx hardhat build in the project's root first.",
    });
  }
  return JSON.parse(readFileSync(file, "utf8"));
}

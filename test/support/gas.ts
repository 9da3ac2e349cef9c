import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import type { BaseContract, Signer } from "ethers";

const file = fileURLToPath(new URL("../gas-snapshot.json", import.meta.url));

/**
 * Gas of a call to a view, sent as a transaction, with everything a transaction pays for.
 */
export async function gasOfView(
  signer: Signer,
  contract: BaseContract,
  name: string,
  args: unknown[],
): Promise<bigint> {
  const data = contract.interface.encodeFunctionData(name, args);
  const sent = await signer.sendTransaction({ to: await contract.getAddress(), data });
  return (await sent.wait())!.gasUsed;
}

/**
 * Holds the exact gas of a transaction (21,000 and calldata included) against `test/gas-snapshot.json`.
 * Gas is deterministic, so any difference is a change somebody made: run with `UPDATE_GAS=1` to accept it.
 */
export function expectGas(operation: string, gasUsed: bigint): void {
  const snapshot: Record<string, number> = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
  if (process.env.UPDATE_GAS === "1") {
    snapshot[operation] = Number(gasUsed);
    const sorted = Object.fromEntries(Object.entries(snapshot).sort(([a], [b]) => (a < b ? -1 : 1)));
    writeFileSync(file, `${JSON.stringify(sorted, null, 2)}\n`);
    return;
  }
  expect(
    snapshot[operation],
    `gas of "${operation}" is not in the snapshot: run with UPDATE_GAS=1`,
  ).not.to.equal(undefined);
  expect(Number(gasUsed), `gas of "${operation}" changed: run with UPDATE_GAS=1 to accept`).to.equal(
    snapshot[operation],
  );
}

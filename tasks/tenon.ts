import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NetworkConnection } from "hardhat/types/network";
import type { Hex } from "../sdk/src/bytes.js";
import { createTenon, type Tenon } from "../sdk/src/client.js";
import { type Deployment, loadDeployment } from "../sdk/src/deployment.js";
import { TenonError } from "../sdk/src/errors.js";
import { DEFAULT_RECORDS, recordPath } from "./deploy/record.js";

/** Connects to `--network` and to the deployment that the records folder holds for it, for the time of `work`. */
export async function withTenon(
  hre: HardhatRuntimeEnvironment,
  records: string | undefined,
  work: (tenon: Tenon, connection: NetworkConnection) => Promise<void>,
): Promise<void> {
  const connection = await hre.network.create();
  try {
    const deployment = await deploymentOn(connection, records);
    const [signer] = await connection.ethers.getSigners();
    const tenon = await createTenon(
      signer === undefined ? { provider: connection.ethers.provider, deployment } : { signer, deployment },
    );
    await work(tenon, connection);
  } finally {
    await connection.close();
  }
}

async function deploymentOn(connection: NetworkConnection, records: string | undefined): Promise<Deployment> {
  const { chainId } = await connection.ethers.provider.getNetwork();
  const genesis = await connection.ethers.provider.getBlock(0);
  return findDeployment(records, Number(chainId), genesis!.hash as Hex);
}

/** The record of a chain. Throws `DeploymentMissing` with the way to get one. */
export function findDeployment(records: string | undefined, chainId: number, genesisHash: Hex): Deployment {
  const path = recordPath(records ?? DEFAULT_RECORDS, chainId, genesisHash);
  try {
    return loadDeployment(path);
  } catch (error) {
    if (!(error instanceof TenonError) || error.code !== "DeploymentUnreadable") throw error;
    throw new TenonError("DeploymentMissing", "There is no record of a deployment on this chain", {
      args: { chainId, genesisHash, file: path },
      remedy: "Name the chain with --network and the folder with --record, or run npx hardhat deploy first.",
      cause: error,
    });
  }
}

/** Prints a value for people, one field a line, or as JSON for scripts. */
export function print(value: object, json: boolean): void {
  if (json) {
    console.log(toJson(value));
    return;
  }
  const width = Math.max(...Object.keys(value).map((name) => name.length));
  for (const [name, field] of Object.entries(value)) console.log(`${name.padEnd(width)}  ${String(field)}`);
}

export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, field) => (typeof field === "bigint" ? field.toString() : field));
}

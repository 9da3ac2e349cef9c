import { Wallet } from "ethers";
import { TenonError } from "../sdk/src/errors.js";
import { tellStory } from "./network-story.js";

/**
 * `npm run test:network`: the thread on the Besu network at TENON_BESU_RPC. Says that it was skipped, and why, when
 * there is none; fails when there is one and anything does not hold.
 */
async function main(): Promise<void> {
  const rpc = process.env.TENON_BESU_RPC;
  if (rpc === undefined || rpc === "") {
    console.log(
      "skipped, because TENON_BESU_RPC does not name a network (for instance http://127.0.0.1:8545)",
    );
    return;
  }
  const client = await clientAt(rpc);
  if (client === undefined) {
    console.log(`skipped, because nothing answers JSON-RPC at TENON_BESU_RPC (${rpc})`);
    return;
  }
  console.log(`on ${client} at ${rpc}`);
  const key = process.env.TENON_BESU_KEY ?? Wallet.createRandom().privateKey;
  await tellStory({ rpc, key, log: (line) => console.log(`  ${line}`) });
  console.log("The network holds the whole thread.");
}

async function clientAt(rpc: string): Promise<string | undefined> {
  try {
    const response = await fetch(rpc, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "web3_clientVersion", params: [] }),
      signal: AbortSignal.timeout(5_000),
    });
    const { result } = (await response.json()) as { result?: unknown };
    return typeof result === "string" ? result : undefined;
  } catch {
    return undefined;
  }
}

try {
  await main();
} catch (error) {
  const { stderr } = error as { stderr?: string };
  console.error(error instanceof TenonError ? `${error.code}: ${error.message}` : error);
  if (stderr) console.error(stderr);
  process.exitCode = 1;
}

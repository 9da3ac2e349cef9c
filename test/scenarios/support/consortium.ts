import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { hexlify, JsonRpcProvider, Wallet } from "ethers";
import { artifacts, network } from "hardhat";
import type { Hex } from "../../../sdk/src/bytes.js";
import { createTenon } from "../../../sdk/src/client.js";
import { loadDeployment } from "../../../sdk/src/deployment.js";
import { EmbeddedChain } from "../../../tasks/chain/node.js";
import { serve } from "../../../tasks/chain/rpc.js";
import { deployTenon } from "../../../tasks/deploy/deploy.js";
import type { Members } from "../../../tasks/deploy/members.js";
import { fixtureMembers, SEAL_DELAY } from "../../support/fixture.js";

/** Numbers that the deploy task gives the members, in their order. */
export const organisation = { manufacturer: 1, owner: 2, oracle: 3, payer: 4 } as const;

const people = ["manufacturer", "owner", "oracle", "authority", "payer", "issuer", "stranger"] as const;
type People = Record<(typeof people)[number], Wallet>;

/**
 * The embedded chain behind its own HTTP server, with a block whenever there is something to put in it, and on it a
 * sealed deployment made by the deploy task's function over HTTP. Everybody has a key and nobody has coins.
 */
export async function startConsortium(folder: string) {
  const chain = await startChain();
  const provider = new JsonRpcProvider(chain.url, undefined, { cacheTimeout: -1, pollingInterval: 50 });
  const wallets = newPeople(provider);
  const { networkName, ethers, provider: rpc } = await localNetwork(chain.url);
  const { path, record: made } = await deployTenon(
    { networkName, ethers, provider: rpc },
    {
      artifacts,
      evmVersion: "osaka",
      recordFolder: join(folder, "deployments"),
      members: membersOf(wallets),
      seal: { delay: SEAL_DELAY },
    },
  );
  const [deployer] = await ethers.getSigners();
  const record = path as string;
  const sealed = made.sealed;
  const deployment = loadDeployment(record);
  const tenonOf = (person: keyof People) => createTenon({ signer: wallets[person], deployment });
  const blockHash = async (number: bigint | number | string) =>
    (await provider.getBlock(Number(number)))!.hash as Hex;
  const close = async () => {
    provider.destroy();
    await chain.close();
  };
  return {
    rpc: chain.url,
    provider,
    people: wallets,
    deployer: deployer!,
    /** Path of the deployment record. */
    record,
    sealed,
    deployment,
    tenon: await createTenon({ provider, deployment }),
    tenonOf,
    blockHash,
    close,
  };
}

export type Consortium = Awaited<ReturnType<typeof startConsortium>>;

/** A fresh embedded chain. */
export async function startChain(): Promise<{ url: string; close: () => Promise<void> }> {
  const { provider } = await network.create({
    network: "default",
    override: { mining: { auto: false, interval: 0, mempool: { order: "fifo" } } },
  });
  const chain = await EmbeddedChain.open(provider, undefined, "test");
  const { server, url } = await serve(chain, 0);
  // Ten blocks a second where its clock has whole seconds: the chain's time runs ahead, which nothing here minds.
  chain.start(100, (error) => {
    throw error;
  });
  const close = async () => {
    server.close();
    server.closeAllConnections();
    await chain.stop();
  };
  return { url, close };
}

function localNetwork(url: string) {
  return network.create({ network: "local", override: { url } });
}

function newPeople(provider: JsonRpcProvider): People {
  const entries = people.map((person) => [person, new Wallet(hexlify(randomBytes(32)), provider)]);
  return Object.fromEntries(entries) as People;
}

/** The members of the fixture, and one that pays for using a machine. */
function membersOf(wallets: People): Members {
  const { organisations, streams } = fixtureMembers(wallets);
  const payer = {
    name: "Harbour Builders",
    code: "91310000MA1FL0CC3X",
    signatories: [{ address: wallets.payer.address, roles: [{ role: "Treasurer" as const, days: 365 }] }],
  };
  return { organisations: [...organisations, payer], streams };
}

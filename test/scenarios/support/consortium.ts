import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { hexlify, JsonRpcProvider, Wallet } from "ethers";
import { artifacts, network } from "hardhat";
import type { EthereumProvider } from "hardhat/types/providers";
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

const names = ["manufacturer", "owner", "oracle", "authority", "payer", "issuer", "stranger"] as const;
type People = Record<(typeof names)[number], Wallet>;

/**
 * A sealed deployment, made by the deploy task's function, on the embedded chain, which then goes on behind its own HTTP
 * server. Everybody has a key and nobody has coins.
 */
export async function startConsortium(folder: string) {
  const connection = await newNode();
  const keys = newPeople();
  const { path, record: made } = await deployTenon(connection, {
    artifacts,
    evmVersion: "osaka",
    recordFolder: join(folder, "deployments"),
    members: membersOf(keys),
    seal: { delay: SEAL_DELAY },
  });
  const record = path as string;
  const deployment = loadDeployment(record);

  const chain = await startChain(connection.provider);
  const provider = new JsonRpcProvider(chain.url, undefined, { cacheTimeout: -1, pollingInterval: 50 });
  const people = newPeople((name) => keys[name].connect(provider));
  const tenonOf = (person: keyof People) => createTenon({ signer: people[person], deployment });
  const blockHash = async (number: bigint | number | string) =>
    (await provider.getBlock(Number(number)))!.hash as Hex;
  const close = async () => {
    provider.destroy();
    await chain.close();
  };
  return {
    rpc: chain.url,
    provider,
    people,
    /** Whoever sent the deployment. */
    deployer: await provider.getSigner(made.deployer),
    sealed: made.sealed,
    /** Path of the deployment record. */
    record,
    deployment,
    tenon: await createTenon({ provider, deployment }),
    tenonOf,
    blockHash,
    close,
  };
}

export type Consortium = Awaited<ReturnType<typeof startConsortium>>;

/** The embedded chain on a node of its own, or on one that exists: a block when there is something to put in it. */
export async function startChain(node?: EthereumProvider) {
  const provider = node ?? (await newNode()).provider;
  await provider.request({ method: "evm_setAutomine", params: [false] });
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

/**
 * A node that mines each transaction at once, until the embedded chain's clock takes over. It begins a minute ago: a
 * block takes a second of its time, and the clock that takes over is the computer's.
 */
function newNode() {
  return network.create({
    network: "default",
    override: { initialDate: new Date(Date.now() - 60_000), mining: { mempool: { order: "fifo" } } },
  });
}

function newPeople(make = (_: keyof People) => new Wallet(hexlify(randomBytes(32)))): People {
  return Object.fromEntries(names.map((name) => [name, make(name)])) as People;
}

/** The members of the fixture, and one that pays for using a machine. */
function membersOf(people: People): Members {
  const { organisations, streams } = fixtureMembers(people);
  const payer = {
    name: "Harbour Builders",
    code: "91310000MA1FL0CC3X",
    signatories: [{ address: people.payer.address, roles: [{ role: "Treasurer" as const, days: 365 }] }],
  };
  return { organisations: [...organisations, payer], streams };
}

/**
 * RPC calls and time of one DID resolution after 1, 400 and 10,000 changes, all in one block and each in a block of its own: the
 * SDK's resolver of did:tenon beside ethr-did-resolver over its ERC-1056 registry, on one chain in this process. Prints the table of
 * docs/performance.md.
 *
 *   mkdir -p DIR && npm install --prefix DIR ethr-did-resolver@11.1.3 ethr-did-registry@1.3.0
 *   npx tsx scripts/bench-did.ts DIR
 *
 * DIR lies outside this package: neither is a dependency. `npm run build` comes first. Ours changes a device in turns (publications, every
 * twenty-fifth a rotated key), theirs sets attributes, the cheapest of its changes. Documents are compared with what was written before
 * anything is timed. Of a node far away the time follows by the number of calls, which are made one after the other.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { type DIDDocument, Resolver, type ResolverRegistry } from "did-resolver";
import {
  BrowserProvider,
  ContractFactory,
  type Eip1193Provider,
  encodeBytes32String,
  Interface,
} from "ethers";
import { getResolver } from "../sdk/src/did/resolver.js";
import { deviceDid } from "../sdk/src/did/syntax.js";
import { TenonError } from "../sdk/src/errors.js";
import { changesOf } from "../test/support/did-changes.js";
import { type DidWorld, didWorld } from "../test/support/dids.js";

const HISTORIES = [
  { changes: 1, inOneBlock: false },
  { changes: 400, inOneBlock: true },
  { changes: 400, inOneBlock: false },
  { changes: 10_000, inOneBlock: true },
  { changes: 10_000, inOneBlock: false },
];
const ROUNDS = 5;
/** What a call takes to a node that is not on this machine, in milliseconds. */
const ROUND_TRIP = 20;

interface Measured {
  readonly calls: number;
  readonly milliseconds: number;
}

async function main(folder: string): Promise<void> {
  const world = await didWorld();
  const ethr = await ethrOn(world, folder);
  console.log(
    "| changes | did:tenon, calls | ms | at 20 ms a call | ethr-did-resolver, calls | ms | at 20 ms a call |",
  );
  console.log("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
  for (const { changes, inOneBlock } of HISTORIES) {
    const ours = await measureOurs(world, changes, inOneBlock);
    const theirs = await ethr.measure(changes, inOneBlock);
    const place = changes === 1 ? "" : inOneBlock ? " in one block" : " in as many blocks";
    console.log(`| ${changes.toLocaleString("en")}${place} | ${cells(ours)} | ${cells(theirs)} |`);
  }
}

function cells({ calls, milliseconds }: Measured): string {
  const ms = (value: number) => value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 1 : 0 });
  return `${calls.toLocaleString("en")} | ${ms(milliseconds)} | ${ms(milliseconds + ROUND_TRIP * calls)}`;
}

async function measureOurs(world: DidWorld, changes: number, inOneBlock: boolean): Promise<Measured> {
  const history = await changesOf(world, changes, inOneBlock);
  const { provider, asked } = world.counted();
  const registry = await getResolver({ provider, deployment: world.deployment });
  const name = history.changes.at(-1)!.name;
  return measure(
    registry,
    asked,
    deviceDid(31337, history.device),
    (document) => document.alsoKnownAs?.[0] === name,
  );
}

/** Resolves once to look at the document, then times: a fresh Resolver each time, so nothing is cached. */
async function measure(
  registry: ResolverRegistry,
  asked: () => string[],
  did: string,
  isRight: (document: DIDDocument) => boolean,
): Promise<Measured> {
  const times: number[] = [];
  let calls = 0;
  for (let round = 0; round <= ROUNDS; round++) {
    asked();
    const start = performance.now();
    const { didDocument, didResolutionMetadata } = await new Resolver(registry).resolve(did);
    if (round > 0) times.push(performance.now() - start);
    calls = asked().length;
    if (didDocument === null || !isRight(didDocument)) {
      throw new TenonError("ResolutionWrong", "A resolver did not show the last change", {
        args: { did, error: didResolutionMetadata.error },
      });
    }
  }
  return { calls, milliseconds: times.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]! };
}

/** ERC-1056 as its npm package brings it, and its resolver. */
async function ethrOn(world: DidWorld, folder: string) {
  const load = createRequire(join(resolve(folder), "package.json"));
  const modules = join(resolve(folder), "node_modules");
  const artifact = JSON.parse(
    readFileSync(
      join(modules, "ethr-did-registry/artifacts/contracts/EthereumDIDRegistry.sol/EthereumDIDRegistry.json"),
      "utf8",
    ),
  );
  const factory = new ContractFactory(artifact.abi, artifact.bytecode, world.signers.deployer);
  const contract = await factory.deploy();
  const registry = await contract.getAddress();
  const { getResolver: ethrResolver } = load("ethr-did-resolver") as {
    getResolver(options: object): ResolverRegistry;
  };
  return {
    async measure(changes: number, inOneBlock: boolean): Promise<Measured> {
      const signer = (await world.ethers.getSigners())[signerIndex++]!.address;
      await setAttributes(world, { abi: artifact.abi, registry, signer, changes, inOneBlock });
      const { provider, asked } = world.counted();
      // The chain is named, so that ethers does not ask for it with every call.
      const node = new BrowserProvider(provider as Eip1193Provider, 31337, {
        cacheTimeout: -1,
        staticNetwork: true,
      });
      const resolvers = ethrResolver({ name: "bench", chainId: 31337, provider: node, registry });
      const last = `https://change.example/${changes - 1}`;
      const isRight = ({ service = [] }: DIDDocument) =>
        service.some(({ serviceEndpoint }) => serviceEndpoint === last);
      return measure(resolvers, asked, `did:ethr:bench:${signer}`, isRight);
    },
  };
}

/** Each history is another account's: an identity of ERC-1056 is an address. */
let signerIndex = 10;

async function setAttributes(
  world: DidWorld,
  {
    abi,
    registry,
    signer,
    changes,
    inOneBlock,
  }: { abi: []; registry: string; signer: string; changes: number; inOneBlock: boolean },
): Promise<void> {
  const face = new Interface(abi);
  const send = async () => {
    for (let i = 0; i < changes; i++) {
      const value = Buffer.from(`https://change.example/${i}`);
      const args = [signer, encodeBytes32String("did/svc/Change"), value, 10n ** 9n];
      const data = face.encodeFunctionData("setAttribute", args);
      const params = [{ from: signer, to: registry, data, gas: "0x186a0" }];
      await world.provider.request({ method: "eth_sendTransaction", params });
    }
  };
  if (inOneBlock) await world.inOneBlock(send);
  else await send();
}

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error("npx tsx scripts/bench-did.ts DIR; see the head of the script for what DIR holds");
  process.exitCode = 2;
} else {
  await main(folder);
  process.exit(0);
}

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { EthereumProvider } from "hardhat/types/providers";
import { TenonError } from "../../sdk/src/errors.js";
import { answering } from "../run.js";
import { type Genesis, Journal } from "./journal.js";
import { EmbeddedChain } from "./node.js";
import { serve } from "./rpc.js";

interface ChainArguments {
  port: number;
  state: string | undefined;
  blockPeriod: number;
  json: boolean;
}

export default async (args: ChainArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  answering(async () => {
    if (args.blockPeriod < 1) {
      throw new TenonError("BlockPeriodInvalid", "Blocks are numbered in whole seconds", {
        args: { blockPeriod: args.blockPeriod },
        remedy: "Give --block-period 1 or more.",
      });
    }
    const journal = args.state === undefined ? undefined : new Journal(args.state);
    const provider = await openNode(hre, journal);
    const chain = await EmbeddedChain.open(provider, journal);
    const { server, url } = await serve(chain, args.port);
    const stopped = untilStopped(chain, args.blockPeriod);
    console.log(readyLine(args.json, url, chain));
    try {
      await stopped;
    } finally {
      server.close();
      server.closeAllConnections();
      await chain.stop();
      journal?.close();
    }
  });

/** Starts the node at the journal's genesis date, or at now when there is no journal yet. */
async function openNode(
  hre: HardhatRuntimeEnvironment,
  journal: Journal | undefined,
): Promise<EthereumProvider> {
  const date = journal?.genesis?.date ?? Math.floor(Date.now() / 1000);
  const { provider } = await hre.network.create({
    network: "default",
    override: {
      mining: { auto: false, interval: 0, mempool: { order: "fifo" } },
      initialDate: new Date(date * 1000),
    },
  });
  const chainId = Number(await provider.request({ method: "eth_chainId" }));
  const block = (await provider.request({ method: "eth_getBlockByNumber", params: ["0x0", false] })) as {
    hash: string;
  };
  const genesis: Genesis = {
    version: 1,
    chainId,
    date,
    genesisHash: block.hash,
    hardhat: hre.versions.hardhat,
  };
  if (journal !== undefined) checkGenesis(journal, genesis);
  return provider;
}

function checkGenesis(journal: Journal, genesis: Genesis): void {
  const kept = journal.genesis;
  if (kept === undefined) {
    journal.append(genesis);
    return;
  }
  if (journal.cutBytes > 0) {
    console.error(`Cut ${journal.cutBytes} bytes of a block that was not finished before a crash.`);
  }
  if (kept.version === 1 && kept.chainId === genesis.chainId && kept.genesisHash === genesis.genesisHash)
    return;
  throw new TenonError("ChainStateForeign", "The state folder belongs to another chain", {
    args: {
      folder: journal.folder,
      keptChain: kept.chainId,
      thisChain: genesis.chainId,
      keptGenesis: kept.genesisHash,
      thisGenesis: genesis.genesisHash,
      writtenBy: `Hardhat ${kept.hardhat}`,
    },
    remedy: "Give another --state folder, or the settings of hardhat.config.ts that wrote this one.",
  });
}

/** Resolves on Ctrl-C or SIGTERM; rejects when a block could not be mined or kept. */
function untilStopped(chain: EmbeddedChain, periodSeconds: number): Promise<void> {
  return new Promise((resolve, reject) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
    chain.start(periodSeconds * 1000, reject);
  });
}

function readyLine(json: boolean, url: string, chain: EmbeddedChain): string {
  const { chainId, genesisHash, head } = chain;
  return json
    ? JSON.stringify({ url, chainId, genesisHash, head: head.number, headHash: head.hash })
    : `Chain ready at ${url} · chain id ${chainId} · genesis ${genesisHash} · block ${head.number}`;
}

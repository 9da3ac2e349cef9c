import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { EthereumProvider } from "hardhat/types/providers";
import { TenonError } from "../../sdk/src/errors.js";
import { answering } from "../run.js";
import { Journal } from "./journal.js";
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
    if (journal !== undefined && journal.cutBytes > 0) {
      console.error(`Cut ${journal.cutBytes} bytes of a block that was not finished before a crash.`);
    }
    const provider = await openNode(hre, journal?.genesis?.date);
    const chain = await EmbeddedChain.open(provider, journal, hre.versions.hardhat);
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
async function openNode(hre: HardhatRuntimeEnvironment, date: number | undefined): Promise<EthereumProvider> {
  const { provider } = await hre.network.create({
    network: "default",
    override: {
      mining: { auto: false, interval: 0, mempool: { order: "fifo" } },
      initialDate: new Date(1000 * (date ?? Math.floor(Date.now() / 1000))),
    },
  });
  return provider;
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

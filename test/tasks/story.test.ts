import { expect } from "chai";
import { Wallet } from "ethers";
import { network } from "hardhat";
import { tellStory } from "../../scripts/network-story.js";
import { EmbeddedChain } from "../../tasks/chain/node.js";
import { serve } from "../../tasks/chain/rpc.js";

describe("the tasks on a network reached over HTTP", () => {
  it("deploy, register, show and verify, with keys of their own and no coins", async function () {
    this.timeout(240_000);
    const { provider } = await network.create({
      network: "default",
      override: { chainId: 20_260, mining: { auto: false, interval: 0, mempool: { order: "fifo" } } },
    });
    const chain = await EmbeddedChain.open(provider, undefined, "test");
    const { server, url } = await serve(chain, 0);
    // Faster than a clock of whole seconds: the chain's time runs ahead, which nothing here minds.
    chain.start(200, (error) => {
      throw error;
    });
    const said: string[] = [];
    try {
      await tellStory({ rpc: url, key: Wallet.createRandom().privateKey, log: (line) => said.push(line) });
    } finally {
      server.close();
      server.closeAllConnections();
      await chain.stop();
    }
    expect(said.filter((line) => line.startsWith("✓")).map((line) => line.split(":")[0])).to.deep.equal([
      "✓ deployment",
      "✓ frame",
      "✓ device signature",
      "✓ batch root",
      "✓ contract",
      "✓ receipt",
      "✓ block",
    ]);
    expect(said.at(-1)).to.equal("refused the same proof with a wrong index");
  });
});

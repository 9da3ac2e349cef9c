import { cpSync, mkdirSync, readdirSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { backupNode, checkBackup, restoreInto } from "../../../besu-network/backup/node.js";
import { layout } from "../../../besu-network/bundle/manifest.js";
import { waitForBlocks } from "../../../besu-network/run/blocks.js";
import { refusal } from "../../support/refusal.js";
import { seen } from "../seen.js";
import { blockOf, expectOneChain, heightAt, intervals } from "./support/chain.js";
import { spoken, startNetwork, type TestNetwork, until } from "./support/network.js";

const passphrase = "a passphrase of a test network";

describe("a node's backup", function () {
  this.timeout(600_000);
  let network: TestNetwork;
  let bundle: TestNetwork["bundle"];
  let file: string;

  before(async () => {
    network = await startNetwork({ rpcNodes: 0 });
    bundle = network.bundle;
    file = join(network.folder, "validator4.backup");
  });
  after(() => network?.end());

  it("is taken of a validator that runs: stopped, copied, started again, while the chain goes on", async () => {
    await waitForBlocks(bundle, { blocks: 10 });
    const before = await heightAt(bundle, "validator1");
    const { head, files } = await backupNode(bundle, "validator4", {
      out: file,
      passphrase,
      told: (line) => seen(line),
    });
    expect(head!.number).to.be.at.least(before);
    expect((await blockOf(bundle, "validator1", head!.number))!.hash).to.equal(head!.hash);
    expect(files.some(({ path }) => path.endsWith(".sst") || path.endsWith(".log"))).to.equal(true);
    const after = await heightAt(bundle, "validator1");
    const { longest } = await intervals(bundle, "validator1", before, after);
    seen(`blocks ${before} to ${after} meanwhile, ${longest} s between two at most`);
    expect(after).to.be.greaterThan(before + 1);
    await until("it follows again", 60_000, async () => (await heightAt(bundle, "validator4")) > after);
  });

  it("is proven by restoring it aside, where Besu opens it without peers and without its key", async () => {
    const { contents, opened } = await checkBackup(file, passphrase);
    expect(opened).to.have.property("block", contents.head!.number);
    expect(opened).to.have.property("hash", contents.head!.hash);
    expect(readdirSync(network.folder)).to.have.members(["network", "validator4.backup"]);
    seen(`Besu finds block ${contents.head!.number} in the copy`);
  });

  it("is not restored while its node lives, whatever its holder says", async () => {
    // The bundle as it would be after the loss of the node's folder, seen from a machine that still reaches the node.
    const elsewhere = join(network.folder, "elsewhere");
    mkdirSync(join(elsewhere, "nodes"), { recursive: true });
    for (const path of [layout.manifest, layout.shared]) {
      cpSync(join(bundle.dir, path), join(elsewhere, path), { recursive: true });
    }
    symlinkSync(join(bundle.dir, layout.node("validator1")), join(elsewhere, layout.node("validator1")));
    const restore = (oldNodeIsGone: boolean) =>
      refusal(restoreInto({ file, passphrase, dir: elsewhere, oldNodeIsGone }));
    expect((await restore(false)).code).to.equal("ValidatorMayLive");
    expect((await restore(true)).code).to.equal("NodeLives");
    expect(readdirSync(join(elsewhere, "nodes"))).to.deep.equal(["validator1"]);
  });

  it("old as it is, it brings a lost validator back: the node catches up and makes blocks again", async () => {
    await network.runner.stop(["validator4"]);
    await waitForBlocks(bundle, { blocks: 30, nodes: ["validator1"], timeout: 120_000 });
    const lost = join(network.folder, "lost");
    renameSync(join(bundle.dir, layout.node("validator4")), lost);
    const { contents, whole } = await restoreInto({ file, passphrase, dir: bundle.dir, oldNodeIsGone: true });
    expect(whole).to.equal(false);
    const head = await heightAt(bundle, "validator1");
    const begin = Date.now();
    await network.runner.start(["validator4"]);
    await until("it is at the head", 120_000, async () => (await heightAt(bundle, "validator4")) >= head);
    seen(`from block ${contents.head!.number} to ${head} within ${spoken(Date.now() - begin)} of its start`);
    await expectOneChain(bundle);
    await waitForBlocks(bundle, { blocks: 12, timeout: 120_000 });
    const now = await heightAt(bundle, "validator4");
    const { average } = await intervals(bundle, "validator4", now - 6, now);
    expect(average, "seconds from block to block").to.be.below(2);
    await expectOneChain(bundle);
  });

  it("is not taken of a validator that the chain cannot do without", async () => {
    await network.runner.kill("validator1");
    const out = join(network.folder, "second.backup");
    const refused = await refusal(backupNode(bundle, "validator4", { out, passphrase }));
    expect(refused.code).to.equal("PauseHalts");
    expect(await network.runner.running()).to.include("validator4");
    await network.runner.stop(["validator4"]);
    // One that stands already stops nothing.
    expect((await backupNode(bundle, "validator4", { out, passphrase })).head).to.equal(null);
  });
});

import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { layout, openBundle } from "../../besu-network/bundle/manifest.js";
import { cardOf } from "../../besu-network/govern/card.js";
import type { Hex } from "../../sdk/src/bytes.js";
import { put, someBundle, someNode, temporaryFolder } from "./support/bundle.js";
import { ranTask } from "./support/task.js";

/** What a task prints, and how it ends; a refusal's first word is its code. */
async function said(verb: string, given: Record<string, unknown>): Promise<{ out: string; code: number }> {
  const { out, err, exitCode } = await ranTask(["network", verb], given);
  return { out: out + err, code: exitCode };
}

describe("network: the tasks of governance and backup, where no node runs", () => {
  const account: Hex = `0x${"ab".repeat(20)}`;

  it("allow-account: writes manifest and files for the nodes' next start, and names the others' part", async () => {
    using folder = temporaryFolder();
    const bundle = someBundle(folder.path, ["validator", "rpc"]);
    const { node } = someNode("validator9", "validator", "bank", 9);
    put(
      folder.path,
      layout.manifest,
      JSON.stringify({ ...bundle.manifest, nodes: [...bundle.manifest.nodes, node] }),
    );
    put(folder.path, join(layout.shared, "keep"), "");
    const { out, code } = await said("allow-account", {
      account,
      remove: false,
      begin: false,
      dir: folder.path,
    });
    expect(code).to.equal(0);
    expect(out).to.include("validator1, rpc2 do not run and read it when they start");
    expect(out).to.include(`Other organisations (bank) keep their own lists. For these to agree, each runs
  npx hardhat network allow-account ${account}`);
    expect(openBundle(folder.path).manifest.accounts).to.deep.equal([account]);
    const last = await said("allow-account", { account, remove: true, begin: false, dir: folder.path });
    expect([last.code, last.out.split(":")[0]]).to.deep.equal([1, "AccountLast"]);
    expect(openBundle(folder.path).manifest.accounts).to.deep.equal([account]);
  });

  it("allow-node: takes a card, tells how to vote for it; a file that is none changes nothing", async () => {
    using folder = temporaryFolder();
    const { manifest } = someBundle(folder.path, ["validator", "rpc"]);
    put(folder.path, join(layout.shared, "keep"), "");
    const { node } = someNode("validator9", "validator", "bank", 9);
    const card = join(folder.path, "validator9.node.json");
    writeFileSync(card, "[");
    const unread = await said("allow-node", { card, remove: false, dir: folder.path });
    expect([unread.code, unread.out.split(":")[0]]).to.deep.equal([1, "CardUnreadable"]);
    writeFileSync(card, JSON.stringify(cardOf(manifest, node)));
    const { out, code } = await said("allow-node", { card, remove: false, dir: folder.path });
    expect(code).to.equal(0);
    expect(out).to.include("validator9 is on the list.");
    expect(out).to.include("npx hardhat network add-validator --node validator9 --dir ");
    expect(openBundle(folder.path).manifest.nodes.map(({ name }) => name)).to.include("validator9");
  });

  it("add-validator: makes nothing where the chain cannot be asked", async () => {
    using folder = temporaryFolder();
    const { manifest } = someBundle(folder.path, ["validator", "rpc"]);
    const given = { node: undefined, host: undefined, port: undefined, dir: folder.path };
    const { out, code } = await said("add-validator", given);
    expect([code, out.split(":")[0]]).to.deep.equal([1, "NodesDown"]);
    const name = await said("add-validator", { ...given, host: "besu.example" });
    expect([name.code, name.out.split(":")[0]]).to.deep.equal([1, "OptionInvalid"]);
    expect(openBundle(folder.path).manifest).to.deep.equal(manifest);
    expect(existsSync(join(folder.path, layout.node("validator2")))).to.equal(false);
  });

  it("backup and restore: of a node that stands, with the passphrase from a file or the environment", async () => {
    using folder = temporaryFolder();
    const dir = join(folder.path, "network");
    someBundle(dir, ["validator", "rpc"]);
    put(dir, layout.genesis, "{}");
    put(dir, join(layout.data("validator1"), "database/000001.sst"), "blocks");
    const out = join(folder.path, "validator1.backup");
    const passphraseFile = join(folder.path, "passphrase");
    const given = { node: "validator1", out, passphraseFile, dir };
    const missing = await said("backup", given);
    expect([missing.code, missing.out.split(":")[0]]).to.deep.equal([1, "PassphraseMissing"]);
    writeFileSync(passphraseFile, "short\n");
    const short = await said("backup", given);
    expect([short.code, short.out.split(":")[0]]).to.deep.equal([1, "PassphraseShort"]);
    expect(existsSync(out)).to.equal(false);
    writeFileSync(passphraseFile, "seven words that nobody has ever said\n");
    const made = await said("backup", given);
    expect(made.code, made.out).to.equal(0);
    expect(made.out).to.include("Without the passphrase nobody opens it");

    const back = { file: out, dir, check: false, oldNodeIsGone: false, passphraseFile: undefined };
    process.env.TENON_BACKUP_PASSPHRASE = "seven words that nobody has ever said";
    try {
      const there = await said("restore", back);
      expect([there.code, there.out.split(":")[0]]).to.deep.equal([1, "RestoreOverwrites"]);
      rmSync(join(dir, layout.node("validator1")), { recursive: true });
      const alive = await said("restore", back);
      expect([alive.code, alive.out.split(":")[0]]).to.deep.equal([1, "ValidatorMayLive"]);
      const done = await said("restore", { ...back, oldNodeIsGone: true });
      expect(done.code, done.out).to.equal(0);
      expect(done.out).to.include("every byte checked");
      expect(existsSync(join(dir, layout.nodeKey("validator1")))).to.equal(true);
      const both = await said("restore", { ...back, check: true });
      expect([both.code, both.out.split(":")[0]]).to.deep.equal([1, "OptionMissing"]);
    } finally {
      delete process.env.TENON_BACKUP_PASSPHRASE;
    }
  });
});

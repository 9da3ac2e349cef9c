import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { createBundle } from "../../../besu-network/bundle/create.js";
import type { Bundle, Manifest, NodeEntry } from "../../../besu-network/bundle/manifest.js";
import { withAccount, withoutAccount } from "../../../besu-network/govern/accounts.js";
import { cardOf, withNode, withoutNode } from "../../../besu-network/govern/card.js";
import { OwnNodes, readHeaders } from "../../../besu-network/govern/chain.js";
import { addValidator, type ChangeStep, removeValidator } from "../../../besu-network/govern/change.js";
import { applyLists } from "../../../besu-network/govern/lists.js";
import { waitForBlocks } from "../../../besu-network/run/blocks.js";
import { withIpc } from "../../../besu-network/run/ipc.js";
import { type Runner, runnerOf } from "../../../besu-network/run/runner.js";
import type { Hex } from "../../../sdk/src/bytes.js";
import { newKey } from "../../scenarios/support/chain.js";
import { refusal } from "../../support/refusal.js";
import { seen } from "../seen.js";
import { call, heightAt, namesOf, peersOf, refusedBy } from "./support/chain.js";
import { spoken, until } from "./support/network.js";
import { signed } from "./support/transactions.js";

describe("two organisations govern a network", function () {
  this.timeout(600_000);
  const [known, joining] = [newKey(), newKey()];
  const member = (name: string) => ({ name, host: "127.0.0.1", validators: 2, rpcNodes: 0, observers: 0 });
  let folder: string;
  let maker: Bundle;
  let bank: Bundle;
  let runners: Runner[];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "tenon-govern-"));
    [maker, bank] = (await createBundle({
      out: join(folder, "network"),
      members: [member("maker"), member("bank")],
      accounts: [known.address.toLowerCase() as Hex],
      portBase: randomInt(1_200, 3_000) * 10,
    })) as [Bundle, Bundle];
    runners = [await runnerOf(maker), await runnerOf(bank)];
    await Promise.all(runners.map((runner) => runner.start()));
    await waitForBlocks(maker, { blocks: 2, timeout: 120_000 });
  });
  after(async () => {
    for (const runner of runners ?? []) {
      for (const name of await runner.running()) await runner.kill(name);
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  const validatorsOf = (bundle: Bundle) =>
    call(bundle, namesOf(bundle)[0]!, "qbft_getValidatorsByBlockNumber", ["latest"]) as Promise<Hex[]>;
  const pendingOf = (bundle: Bundle) =>
    Promise.all(namesOf(bundle).map((node) => call(bundle, node, "qbft_getPendingVotes")));
  const entry = (bundle: Bundle, name: string) =>
    bundle.manifest.nodes.find((node) => node.name === name) as NodeEntry;
  const steps: ChangeStep[] = [];
  const told = (step: ChangeStep) => void steps.push(step);
  const edit = async (bundle: Bundle, change: typeof withAccount) => {
    using own = await OwnNodes.open(bundle);
    return await applyLists(bundle, change(bundle.manifest, joining.address), own);
  };
  const transaction = (nonce: number) =>
    signed(joining, { chainId: maker.manifest.chainId, nonce, to: known.address });
  const mined = async (node: string, hash: unknown) => {
    const receipt = () => call(maker, node, "eth_getTransactionReceipt", [hash]);
    return until("it is mined", 60_000, async () => (await receipt()) !== null);
  };

  it("an account is allowed by one, then by both; taken off, it is refused again", async () => {
    const raw = await transaction(0);
    expect((await refusedBy(maker, "validator1", "eth_sendRawTransaction", [raw])).code).to.equal(-32_007);
    expect(await edit(maker, withAccount)).to.deep.equal([
      { node: "validator1", state: "changed" },
      { node: "validator2", state: "changed" },
    ]);
    const hash = await call(maker, "validator1", "eth_sendRawTransaction", [raw]);
    expect((await refusedBy(bank, "validator3", "eth_sendRawTransaction", [raw])).code).to.equal(-32_007);
    seen(`allowed by one of two: mined after ${spoken(await mined("validator2", hash))}, by its validators`);
    await edit(bank, withAccount);
    expect(await edit(bank, withAccount)).to.deep.equal([
      { node: "validator3", state: "same" },
      { node: "validator4", state: "same" },
    ]);
    await mined(
      "validator1",
      await call(bank, "validator3", "eth_sendRawTransaction", [await transaction(1)]),
    );
    for (const bundle of [maker, bank]) await edit(bundle, withoutAccount);
    for (const [bundle, node] of [
      [maker, "validator2"],
      [bank, "validator4"],
    ] as const) {
      const { code } = await refusedBy(bundle, node, "eth_sendRawTransaction", [await transaction(2)]);
      expect(code, node).to.equal(-32_007);
    }
  });

  it("a node that does not run has the account when it starts", async () => {
    await runners[1]!.stop(["validator4"]);
    expect(await edit(bank, withAccount)).to.deep.include({ node: "validator4", state: "later" });
    await runners[1]!.start(["validator4"]);
    const list = (await call(bank, "validator4", "perm_getAccountsAllowlist")) as string[];
    expect(list).to.include(joining.address.toLowerCase());
  });

  it("a new validator: made by one, which waits for the other's vote; then it makes blocks", async () => {
    const begin = Date.now();
    const first = await addValidator(maker, undefined, {}, told);
    expect(first.node.name).to.equal("validator5");
    expect(first.end.end).to.equal("waiting");
    const { state } = first.end as { state: { needed: number; voters: Hex[]; missing: Hex[] } };
    expect(state.needed).to.equal(3);
    expect(state.voters).to.have.members(
      ["validator1", "validator2"].map((name) => entry(maker, name).address),
    );
    expect(state.missing).to.have.members(
      ["validator3", "validator4"].map((name) => entry(maker, name).address),
    );
    expect(await validatorsOf(maker)).to.have.length(4);
    seen(`made, started and synced, two of three votes in after ${spoken(Date.now() - begin)}`);

    expect((await refusal(addValidator(bank, "validator5", {}, told))).code).to.equal("NodeUnknown");
    {
      using own = await OwnNodes.open(bank);
      await applyLists(bank, withNode(bank, cardOf(maker.manifest, first.node)), own);
    }
    await until("it has four peers", 60_000, async () => (await peersOf(maker, "validator5")) === 4);
    const voting = Date.now();
    expect((await addValidator(bank, "validator5", {}, told)).end.end).to.equal("changed");
    seen(`with the third vote changed after ${spoken(Date.now() - voting)}`);
    expect(await validatorsOf(bank)).to.include(first.node.address);
    expect((await pendingOf(bank)).every((votes) => Object.keys(votes as object).length === 0)).to.equal(
      true,
    );

    expect((await addValidator(maker, "validator5", {}, told)).end.end).to.equal("completed");
    expect((await pendingOf(maker)).every((votes) => Object.keys(votes as object).length === 0)).to.equal(
      true,
    );
    expect((await refusal(addValidator(maker, "validator5", {}, told))).code).to.equal("ValidatorAlready");
    await expectProposer(first.node.address, true);
  });

  it("a validator is voted out, its node follows; it can come back", async () => {
    const { node, end } = await removeValidator(maker, "validator2", told);
    expect(end.end).to.equal("changed");
    expect(entry(maker, "validator2").role).to.equal("observer");
    expect(await validatorsOf(maker))
      .to.have.length(4)
      .and.not.include(node.address);
    await expectProposer(node.address, false);
    const head = await heightAt(bank, "validator3");
    await until("it follows", 30_000, async () => (await heightAt(maker, "validator2")) >= head);
    // Below four no further one may go, and what is no validator cannot.
    expect((await refusal(removeValidator(maker, "validator1", told))).code).to.equal("RemovalBelowFour");
    expect((await refusal(removeValidator(maker, "validator2", told))).code).to.equal("ValidatorUnknown");
    // Maker has two of four votes left for its return, bank gives the third.
    expect((await addValidator(maker, "validator2", {}, told)).end.end).to.equal("waiting");
    expect((await addValidator(bank, "validator2", {}, told)).end.end).to.equal("changed");
    expect((await addValidator(maker, "validator2", {}, told)).end.end).to.equal("completed");
    expect(await validatorsOf(maker)).to.have.length(5);
  });

  it("a node that is taken off the list loses its peers there, though they started with it; it can come back", async () => {
    await removeValidator(maker, "validator2", told);
    const bankPeers = () => Promise.all(namesOf(bank).map((node) => peersOf(bank, node)));
    const edit = async (manifest: Manifest) => {
      using own = await OwnNodes.open(bank);
      const outcomes = await applyLists(bank, manifest, own);
      expect(outcomes.map(({ state }) => state)).to.deep.equal(["changed", "changed"]);
    };
    expect(await bankPeers()).to.deep.equal([4, 4]);
    await edit(withoutNode(bank, "validator2", await validatorsOf(bank)));
    const is = (count: number) => async () => (await bankPeers()).every((peers) => peers === count);
    const gone = await until("the bank's nodes drop it", 30_000, is(3));
    await waitForBlocks(maker, { blocks: 3, timeout: 60_000 });
    expect(await bankPeers()).to.deep.equal([3, 3]);
    await edit(withNode(bank, cardOf(maker.manifest, entry(maker, "validator2"))));
    const back = await until("they take it again", 60_000, is(4));
    seen(`dropped after ${spoken(gone)}, connected again after ${spoken(back)}`);
    await addValidator(maker, "validator2", {}, told);
    expect((await addValidator(bank, "validator2", {}, told)).end.end).to.equal("changed");
    expect((await addValidator(maker, "validator2", {}, told)).end.end).to.equal("completed");
  });

  it("a dead validator is voted out by the others", async () => {
    await runners[1]!.kill("validator3");
    await until("it is missed", 30_000, async () => (await peersOf(maker, "validator1")) === 3);
    const begin = Date.now();
    expect((await removeValidator(maker, "validator3", told)).end.end).to.equal("changed");
    expect(await validatorsOf(maker)).to.have.length(4);
    seen(`voted out after ${spoken(Date.now() - begin)}, with one of five dead`);
  });

  it("a chain that stands takes no votes, and the command says so", async () => {
    await runners[1]!.kill("validator4");
    await runners[0]!.kill("validator5");
    await until("it stands", 60_000, async () => {
      const { code } = await refusal(addValidator(maker, "validator3", {}, told));
      return code === "ChainStalled";
    });
    expect((await refusal(removeValidator(maker, "validator4", told))).code).to.equal("ChainStalled");
    expect(maker.manifest.nodes).to.have.length(5);
  });

  /** Whether an address makes one of the next ten blocks. */
  async function expectProposer(address: Hex, expected: boolean) {
    const from = await heightAt(maker, "validator1");
    await waitForBlocks(maker, { blocks: 10, timeout: 60_000 });
    const headers = await withIpc(maker, "validator1", (ipc) => readHeaders(ipc, from + 1, from + 10));
    expect(headers.some(({ proposer }) => proposer === address)).to.equal(expected);
  }
});

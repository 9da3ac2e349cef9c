import { expect } from "chai";
import { layout, type Manifest, type NodeEntry, openBundle } from "../../besu-network/bundle/manifest.js";
import { withAccount, withFirstAccount, withoutAccount } from "../../besu-network/govern/accounts.js";
import { cardOf, type NodeCard, withNode, withoutNode } from "../../besu-network/govern/card.js";
import { makeNode, nextValidatorName } from "../../besu-network/govern/new-node.js";
import type { Hex } from "../../sdk/src/bytes.js";
import { codeOf } from "../support/refusal.js";
import { someBundle, someNode, temporaryFolder } from "./support/bundle.js";

describe("network: the list of accounts", () => {
  const [a, b]: Hex[] = [`0x${"aa".repeat(20)}`, "0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359"];
  const manifest = (accounts: Hex[] | null) => ({ accounts }) as Manifest;

  it("takes an account once, in any spelling that is right", () => {
    expect(withAccount(manifest([a!]), "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359").accounts).to.deep.equal([
      a,
      b,
    ]);
    const both = manifest([a!, b!]);
    for (const given of [
      b!,
      b!.toUpperCase().replace("X", "x"),
      "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    ]) {
      expect(withAccount(both, given), given).to.equal(both);
    }
  });

  it("refuses what is no address, and one whose checksum tells a typing error", () => {
    for (const given of ["", "0x12", `${b}00`, "0xfb6916095ca1df60bB79Ce92cE3Ea74c37c5d359", "validator1"]) {
      expect(
        codeOf(() => withAccount(manifest([a!]), given)),
        given,
      ).to.equal("AccountInvalid");
    }
  });

  it("refuses to take away the last account, or one that is not there", () => {
    expect(withoutAccount(manifest([a!, b!]), a!).accounts).to.deep.equal([b]);
    expect(codeOf(() => withoutAccount(manifest([a!]), a!))).to.equal("AccountLast");
    expect(codeOf(() => withoutAccount(manifest([a!]), b!))).to.equal("AccountUnknown");
  });

  it("begins a list only where it is asked to, because it shuts everybody else out", () => {
    expect(codeOf(() => withAccount(manifest(null), a!))).to.equal("AccountsOpen");
    expect(codeOf(() => withoutAccount(manifest(null), a!))).to.equal("AccountsOpen");
    expect(withFirstAccount(manifest(null), a!).accounts).to.deep.equal([a]);
    expect(codeOf(() => withFirstAccount(manifest([]), a!))).to.equal("AccountListBegun");
  });
});

describe("network: the list of nodes", () => {
  it("takes another organisation's node by its card, once", () => {
    using folder = temporaryFolder();
    const bundle = someBundle(folder.path, ["validator", "rpc"]);
    const { node } = someNode("validator9", "validator", "bank", 9);
    const card = JSON.parse(JSON.stringify(cardOf(bundle.manifest, { ...node, inside: "172.16.1.10" })));
    bundle.manifest = withNode(bundle, card);
    expect(bundle.manifest.nodes.at(-1)).to.deep.equal(node);
    expect(withNode(bundle, card)).to.equal(bundle.manifest);
  });

  it("refuses a card that is false, or clashes with what is there", () => {
    using folder = temporaryFolder();
    const bundle = someBundle(folder.path, ["validator", "rpc"]);
    const { node } = someNode("validator9", "validator", "bank", 9);
    const card = cardOf(bundle.manifest, node);
    const [ours] = bundle.manifest.nodes as [NodeEntry];
    const other = someNode("x", "validator", "bank", 1).node;
    const cases: [string, unknown][] = [
      ["CardInvalid", {}],
      ["CardInvalid", { ...card, node: null }],
      ["CardInvalid", withPart(card, { name: "../evil" })],
      ["CardInvalid", withPart(card, { name: 'a"]' })],
      ["CardInvalid", withPart(card, { role: "king" as never })],
      ["CardInvalid", withPart(card, { host: "besu.bank.example" })],
      ["CardInvalid", withPart(card, { publicKey: `0x${"12".repeat(64)}` })],
      ["CardInvalid", withPart(card, { address: other.address })],
      ["CardInvalid", withPart(card, { ports: { ...node.ports, p2p: 70_000 } })],
      ["CardInvalid", withPart(card, { organisation: "" })],
      ["CardOfAnotherNetwork", { ...card, genesisHash: `0x${"99".repeat(32)}` }],
      ["NodeTaken", withPart(card, { name: ours.name })],
      ["NodeTaken", withPart(card, { ports: ours.ports })],
      ["NodeKeyTaken", withPart(card, { publicKey: ours.publicKey, address: ours.address })],
      ["NodeClaimsUs", withPart(card, { organisation: "works" })],
    ];
    for (const [code, given] of cases) {
      expect(
        codeOf(() => withNode(bundle, given as NodeCard)),
        JSON.stringify(given),
      ).to.equal(code);
    }
    expect(codeOf(() => withNode(bundle, card))).to.equal(undefined);
  });

  it("takes a node off, but no validator, no last RPC node, none of the own ones", () => {
    using folder = temporaryFolder();
    const bundle = someBundle(folder.path, ["validator", "rpc", "observer"]);
    const theirs = [
      someNode("validator9", "validator", "bank", 9).node,
      someNode("observer9", "observer", "bank", 10).node,
    ];
    bundle.manifest = { ...bundle.manifest, nodes: [...bundle.manifest.nodes, ...theirs] };
    const validators = [theirs[0]!.address];
    const without = (name: string, seated = validators) => codeOf(() => withoutNode(bundle, name, seated));
    expect(withoutNode(bundle, "observer9", validators).nodes).not.to.include(theirs[1]);
    expect(without("validator9")).to.equal("NodeValidates");
    expect(without("validator9", [])).to.equal(undefined);
    expect(without("rpc2")).to.equal("RpcNodeLast");
    expect(without("observer3")).to.equal("NodeIsOwn");
    expect(without("nobody")).to.equal("NodeUnknown");
  });

  it("makes a node for the bundle: next name, free ports, a key of its own that the manifest knows", () => {
    using folder = temporaryFolder();
    const bundle = someBundle(folder.path, ["validator", "rpc"]);
    const name = nextValidatorName(bundle.manifest);
    expect(name).to.equal("validator2");
    const node = makeNode(bundle, name, {});
    expect(node.ports).to.deep.include({ p2p: 31_311, http: null, ws: null });
    expect(openBundle(folder.path).manifest.nodes.at(-1)).to.deep.equal(node);
    expect(codeOf(() => makeNode(bundle, name, {}))).to.equal("NodeFolderTaken");
    expect(codeOf(() => makeNode(bundle, "validator3", { host: "10.1.1.1", port: 4000 }))).to.equal(
      undefined,
    );
    expect(layout.nodeKey(name)).to.equal("nodes/validator2/key");
  });
});

function withPart(card: NodeCard, part: Partial<NodeEntry>): NodeCard {
  return { ...card, node: { ...card.node, ...part } };
}

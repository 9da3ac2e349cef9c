import { isIP } from "node:net";
import { join } from "node:path";
import { keccak256, SigningKey } from "ethers";
import { fromHex, type Hex } from "../../sdk/src/bytes.js";
import { TenonError } from "../../sdk/src/errors.js";
import { type Bundle, type Manifest, type NodeEntry, ownNodes, replaceFile } from "../bundle/manifest.js";

/** What an organisation gives the others about a node of its: public, and of one network only. */
export interface NodeCard {
  chainId: number;
  genesisHash: Hex;
  node: NodeEntry;
}

/** Where a node's card is kept in its holder's bundle. */
export const cardPath = ({ dir }: Bundle, { name }: NodeEntry): string => join(dir, `${name}.node.json`);

/** Writes a node's card, for the other organisations. */
export function writeCard(bundle: Bundle, node: NodeEntry): void {
  replaceFile(cardPath(bundle, node), `${JSON.stringify(cardOf(bundle.manifest, node), null, 2)}\n`);
}

export function cardOf({ chainId, genesisHash }: Manifest, node: NodeEntry): NodeCard {
  const { inside: _, ...others } = node;
  return { chainId, genesisHash, node: others };
}

/** The manifest with the node of a card; the same one where it is there already just so. Throws what speaks against it. */
export function withNode(bundle: Bundle, card: NodeCard): Manifest {
  const { manifest } = bundle;
  const node = checkCard(manifest, card);
  const known = manifest.nodes.find(({ publicKey }) => publicKey === node.publicKey);
  if (known !== undefined && sameNode(known, node)) return manifest;
  if (known !== undefined) {
    throw refused("NodeKeyTaken", "Another entry has this node's key", node, {
      known: `${known.name} at ${known.host}:${known.ports.p2p}`,
      remedy: "If the node moved, take the old entry away first: npx hardhat network allow-node --remove.",
    });
  }
  const clash = manifest.nodes.find(
    ({ name, host, ports }) => name === node.name || (host === node.host && ports.p2p === node.ports.p2p),
  );
  if (clash !== undefined) {
    throw refused("NodeTaken", "Another node has this name or address", node, {
      known: `${clash.name} of ${clash.organisation} at ${clash.host}:${clash.ports.p2p}`,
      remedy: "Ask its holder to give the node another name or port.",
    });
  }
  if (
    node.organisation === manifest.organisation &&
    !ownNodes(bundle).some(({ name }) => name === node.name)
  ) {
    throw refused("NodeClaimsUs", "The card says that the node is yours, and its key is not here", node, {
      remedy: "Have the card corrected; your own new nodes are made by npx hardhat network add-validator.",
    });
  }
  return { ...manifest, nodes: [...manifest.nodes, node] };
}

/** The manifest without a node. `validators` are those of the chain. */
export function withoutNode(bundle: Bundle, name: string, validators: readonly Hex[]): Manifest {
  const { manifest } = bundle;
  const node = findNode(manifest, name);
  if (validators.includes(node.address)) {
    throw refused(
      "NodeValidates",
      "This node is a validator: without peers it would count as a silent one",
      node,
      {
        remedy: "Vote it out first: npx hardhat network remove-validator.",
      },
    );
  }
  if (node.role === "rpc" && manifest.nodes.filter(({ role }) => role === "rpc").length === 1) {
    throw refused("RpcNodeLast", "Without its last RPC node the network would answer no client", node, {
      remedy: "Allow another RPC node first.",
    });
  }
  if (ownNodes(bundle).some((own) => own.name === name)) {
    throw refused("NodeIsOwn", "This node's key is in your bundle", node, {
      remedy: `Stop it and move nodes/${name} out of the bundle first.`,
    });
  }
  return { ...manifest, nodes: manifest.nodes.filter((other) => other !== node) };
}

/** The entry of a name or an address. Throws `NodeUnknown`. */
export function findNode({ nodes }: Manifest, given: string): NodeEntry {
  const found = nodes.find(({ name, address }) => name === given || address === given.toLowerCase());
  if (found !== undefined) return found;
  throw new TenonError("NodeUnknown", "The network's manifest has no such node", {
    args: { given, nodes: nodes.map(({ name }) => name).join(", ") },
    remedy:
      "Name one of these; another organisation's new node comes by its card: npx hardhat network allow-node.",
  });
}

/** The manifest with another role of a node: made a validator by votes, or one no longer. */
export function withRole(manifest: Manifest, address: Hex, role: NodeEntry["role"]): Manifest {
  return {
    ...manifest,
    nodes: manifest.nodes.map((node) => (node.address === address ? { ...node, role } : node)),
  };
}

function checkCard(manifest: Manifest, card: NodeCard): NodeEntry {
  const { node } = card;
  if (typeof node !== "object" || node === null || typeof node.ports !== "object" || node.ports === null) {
    throw invalid("it is not what add-validator writes");
  }
  if (card.genesisHash !== manifest.genesisHash) {
    throw new TenonError("CardOfAnotherNetwork", "The card is of a node of another network", {
      args: {
        card: `${card.chainId} ${card.genesisHash}`,
        here: `${manifest.chainId} ${manifest.genesisHash}`,
      },
      remedy: "Ask for the card of the node that shall join this network.",
    });
  }
  const port = (given: unknown) => Number.isInteger(given) && Number(given) > 0 && Number(given) < 65_536;
  const { name, role, organisation, publicKey, address, host, ports } = node;
  const serves = [ports.http, ports.ws, ports.https ?? null];
  // The name becomes a folder and a container's name, all of it goes into files that Besu reads.
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(name))
    throw invalid("its name is not lower-case letters, digits and hyphens");
  if (!["validator", "rpc", "observer"].includes(role)) throw invalid("its role is unknown");
  if (typeof organisation !== "string" || organisation === "") throw invalid("it names no organisation");
  if (isIP(host) === 0) throw invalid("its host is not an IP address: Besu compares addresses as text");
  if (![ports.p2p, ports.metrics, ...serves.filter((given) => given !== null)].every(port)) {
    throw invalid("its ports are not numbers from 1 to 65535");
  }
  if (addressOf(publicKey) !== address) throw invalid("its address is not that of its public key");
  const [http = null, ws = null, https = null] = serves;
  const kept = { p2p: ports.p2p, metrics: ports.metrics, http, ws, https };
  return { name, role, organisation, publicKey, address, host, ports: kept };
}

function addressOf(publicKey: Hex): string | undefined {
  try {
    fromHex(publicKey, 64);
    // Throws for a point that is not on the curve.
    SigningKey.computePublicKey(`0x04${publicKey.slice(2)}`, true);
    return `0x${keccak256(publicKey).slice(-40)}`;
  } catch {
    return undefined;
  }
}

function sameNode(a: NodeEntry, b: NodeEntry): boolean {
  return a.name === b.name && a.host === b.host && a.ports.p2p === b.ports.p2p;
}

function invalid(reason: string): TenonError {
  return new TenonError("CardInvalid", "This is not the card of a node", {
    args: { reason },
    remedy: "Ask the node's holder for the file that npx hardhat network add-validator wrote.",
  });
}

function refused(
  code: string,
  message: string,
  node: NodeEntry,
  { known, remedy }: { known?: string; remedy: string },
): TenonError {
  const args = {
    node: node.name,
    organisation: node.organisation,
    ...(known === undefined ? {} : { known }),
  };
  return new TenonError(code, message, { args, remedy });
}

import { createECDH, randomInt } from "node:crypto";
import { isIPv4 } from "node:net";
import { keccak256 } from "ethers";
import type { Hex } from "../../sdk/src/bytes.js";
import { toHex } from "../../sdk/src/bytes.js";
import { TenonError } from "../../sdk/src/errors.js";
import { BLOCK_GAS, TRANSACTION_GAS } from "../genesis/genesis.js";
import type { NodeEntry, NodeRole, RunMode } from "./manifest.js";
import type { Member } from "./members.js";

/** What a network is made from; all but `out` has a default. */
export interface CreateOptions {
  /** Folder of the bundle (with `members`: of the bundles). Must not exist, or be empty. */
  out: string;
  mode?: RunMode | undefined;
  /** Nodes by role: 4 validators, 1 RPC node and no observer unless given. Not together with `members`. */
  validators?: number | undefined;
  rpcNodes?: number | undefined;
  observers?: number | undefined;
  members?: Member[] | undefined;
  /** Drawn at random unless given. */
  chainId?: number | undefined;
  /** Seconds; 1 unless given. */
  blockPeriod?: number | undefined;
  /** Seconds between blocks while nothing happens; off unless given. */
  emptyBlockPeriod?: number | undefined;
  gasLimit?: number | undefined;
  storage?: "FOREST" | "BONSAI" | undefined;
  /** First port; every node takes the next ten. 30300 unless given. */
  portBase?: number | undefined;
  /** `A.B.C.0/24` for the containers of a bundle; drawn from the chain id unless given. */
  subnet?: string | undefined;
  /** Only accounts whose transactions the nodes shall take; everybody's unless given. */
  accounts?: Hex[] | undefined;
  /** Seconds since 1970 that block 0 says; now unless given. */
  timestamp?: number | undefined;
}

/** A node with its secret: what `create` writes and forgets. */
export interface PlannedNode {
  entry: NodeEntry;
  privateKey: Hex;
}

/** The ports of a node, counted from its first. */
export const PORTS_PER_NODE = 10;

/** Addresses from the tenth on that a subnet has for containers. */
const MOST_NODES = 240;

/** Chains where other people's signatures are worth something, and the ones every test tool has. */
const taken = new Map([
  [1, "Ethereum's"],
  [1337, "that of test tools"],
  [31337, "that of test tools, the embedded chain among them"],
  [17000, "Holesky's"],
  [560048, "Hoodi's"],
  [11155111, "Sepolia's"],
]);

/** A fresh chain id of nine or ten digits: nobody else's, and short enough (31 bits) for every wallet and signing device. */
export function randomChainId(): number {
  return randomInt(200_000_000, 2 ** 31);
}

/** Throws `NetworkOptionInvalid` for a value no network can have, naming the option. */
export function checkOptions(options: CreateOptions): void {
  const { chainId, blockPeriod = 1, emptyBlockPeriod, gasLimit = BLOCK_GAS, members } = options;
  if (chainId !== undefined) {
    const owner = taken.get(chainId);
    if (owner !== undefined)
      throw invalid("chain-id", chainId, `not ${owner}: signatures would hold on both`);
    range("chain-id", chainId, 2, 4_503_599_627_370_476); // the most that wallets take
  }
  range("block-period", blockPeriod, 1, 60);
  if (emptyBlockPeriod !== undefined) range("empty-block-period", emptyBlockPeriod, blockPeriod + 1, 3600);
  range("gas-limit", gasLimit, TRANSACTION_GAS, 0x1fffffffffffff);
  if (members === undefined) {
    range("validators", options.validators ?? 4, 1, 100);
    range("rpc-nodes", options.rpcNodes ?? 1, 0, 100);
    range("observers", options.observers ?? 0, 0, 100);
  } else {
    const twice = (["validators", "rpcNodes", "observers"] as const).find(
      (key) => options[key] !== undefined,
    );
    if (twice !== undefined)
      throw invalid(twice, options[twice], "left out: the members file says the nodes");
  }
  for (const account of options.accounts ?? []) {
    if (!/^0x[0-9a-fA-F]{40}$/.test(account))
      throw invalid("accounts", account, "addresses, 0x and 40 digits");
  }
  const [network, bits] = options.subnet?.split("/") ?? [];
  if (network !== undefined && !(isIPv4(network) && network.endsWith(".0") && bits === "24")) {
    throw invalid("subnet", options.subnet, "a subnet A.B.C.0/24");
  }
}

/** Who is in the network: the members, or one organisation that has every node. */
export function membersOf(options: CreateOptions): Member[] {
  const { members, validators = 4, rpcNodes = 1, observers = 0 } = options;
  return members ?? [{ name: "consortium", host: "127.0.0.1", validators, rpcNodes, observers }];
}

/** Every node of the network with a fresh key, members in their order, validators first in each. */
export function planNodes(options: CreateOptions, mode: RunMode, subnet: string): PlannedNode[] {
  const members = membersOf(options);
  const most = Math.max(...members.map((member) => rolesOf(member).length));
  if (most > MOST_NODES) throw invalid("validators", most, `at most ${MOST_NODES} nodes of one organisation`);
  const count = { validator: 0, rpc: 0, observer: 0 };
  const onHost = new Map<string, number>();
  const planned = members.flatMap((member) =>
    rolesOf(member).map((role, index) => {
      const place = onHost.get(member.host) ?? 0;
      onHost.set(member.host, place + 1);
      const name = `${role}${++count[role]}`;
      const first = (options.portBase ?? 30_300) + PORTS_PER_NODE * place;
      return planNode({ name, role, organisation: member.name }, first, mode, {
        host: member.host,
        inside: subnet.replace("0/24", String(10 + index)),
        alone: options.members === undefined,
      });
    }),
  );
  if (count.validator === 0) throw invalid("validators", 0, "at least one validator, four to outlive one");
  const last = Math.max(...planned.map(({ entry }) => entry.ports.p2p));
  range("port-base", options.portBase ?? 30_300, 1024, 65_535 - (last - (options.portBase ?? 30_300)) - 10);
  return planned;
}

function rolesOf({ validators, rpcNodes, observers }: Member): NodeRole[] {
  return [
    ...Array<NodeRole>(validators).fill("validator"),
    ...Array<NodeRole>(rpcNodes).fill("rpc"),
    ...Array<NodeRole>(observers).fill("observer"),
  ];
}

/** Where a node of a bundle is: on its machine, in its subnet, and whether the bundle is the whole network. */
interface Place {
  host: string;
  inside: string;
  alone: boolean;
}

function planNode(
  who: Pick<NodeEntry, "name" | "role" | "organisation">,
  port: number,
  mode: RunMode,
  { host, inside, alone }: Place,
): PlannedNode {
  const { privateKey, publicKey, address } = newKey();
  const serves = who.role !== "validator";
  const docker = mode === "docker";
  return {
    privateKey,
    entry: {
      ...who,
      publicKey,
      address,
      host: docker && alone ? inside : host,
      ...(docker && !alone ? { inside } : {}),
      ports: {
        p2p: port,
        metrics: port + 1,
        http: serves ? port + 2 : null,
        ws: serves ? port + 3 : null,
        https: serves && docker ? port + 4 : null,
      },
    },
  };
}

/** A fresh node key, which is a validator's key too. */
export function newKey(): { privateKey: Hex; publicKey: Hex; address: Hex } {
  const ecdh = createECDH("secp256k1");
  const publicKey = toHex(ecdh.generateKeys().subarray(1));
  // The curve's library drops leading zeros of the private key.
  const privateKey: Hex = `0x${ecdh.getPrivateKey("hex").padStart(64, "0")}`;
  return { privateKey, publicKey, address: `0x${keccak256(publicKey).slice(-40)}` };
}

function range(option: string, given: number, least: number, most: number): void {
  if (Number.isSafeInteger(given) && given >= least && given <= most) return;
  throw invalid(option, given, `a whole number from ${least} to ${most}`);
}

function invalid(option: string, given: unknown, expected: string): TenonError {
  return new TenonError("NetworkOptionInvalid", `The network cannot be made with this --${option}`, {
    args: { given, expected },
    remedy: "Give another; nothing was written.",
  });
}

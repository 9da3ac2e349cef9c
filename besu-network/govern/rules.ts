import type { Hex } from "../../sdk/src/bytes.js";
import { TenonError } from "../../sdk/src/errors.js";
import { quorumOf } from "../../sdk/src/proof/qbft.js";
import type { NodeEntry } from "../bundle/manifest.js";

/** The fewest of which one may fail in any way: of three, two make a block, so that one liar can make two chains. */
const FEWEST_VALIDATORS = 4;

/** The validators as the chain has them, and which of them were seen making blocks just now. */
export interface ValidatorView {
  validators: Hex[];
  live: ReadonlySet<Hex>;
  /** For messages: the node's name where it is known. */
  nameOf: (address: Hex) => string;
}

/** How near to the head of the chain a node must be before it may become a validator. */
export const BLOCKS_BEHIND = 3;

/** What the caller's own nodes see of the node that is to be added. */
export interface Candidate {
  node: NodeEntry;
  connected: boolean;
  /** Its newest block as it told its peers; `null` before it said. */
  head: number | null;
}

/** Refuses a removal after which the chain would stop, or could be made to fork by a single node. */
export function checkRemoval(target: Hex, view: ValidatorView): void {
  const { validators, nameOf } = view;
  if (!validators.includes(target)) {
    throw new TenonError("ValidatorUnknown", "This node is not a validator of the chain", {
      args: { node: nameOf(target), validators: names(validators, view) },
      remedy: "There is nothing to vote out.",
    });
  }
  const left = validators.filter((validator) => validator !== target);
  if (left.length < FEWEST_VALIDATORS) {
    throw new TenonError("RemovalBelowFour", "Fewer than four validators tolerate no fault", {
      args: { validators: validators.length, afterwards: left.length },
      remedy: "Add the validator that takes its place first: npx hardhat network add-validator.",
    });
  }
  const live = left.filter((validator) => view.live.has(validator));
  if (live.length < quorumOf(left.length)) {
    throw new TenonError("RemovalHalts", "The validators that are left would not reach their quorum", {
      args: {
        afterwards: left.length,
        quorum: quorumOf(left.length),
        live: names(live, view),
        silent: silent(left, view),
      },
      remedy: "Bring the silent validators back first: npx hardhat network status shows them.",
    });
  }
}

/** Refuses a new validator that would not make blocks, or whose coming would raise the quorum above what is alive. */
export function checkAddition(candidate: Candidate, head: number, view: ValidatorView): void {
  const { node, connected } = candidate;
  checkMayValidate(node, view);
  if (!connected) {
    throw new TenonError("NodeNotConnected", "None of your nodes is connected with the new validator", {
      args: { node: node.name, address: `${node.host}:${node.ports.p2p}` },
      remedy: "Start it, and see that every organisation ran npx hardhat network allow-node with its card.",
    });
  }
  const behind = candidate.head === null ? null : head - candidate.head;
  if (behind === null || behind > BLOCKS_BEHIND) {
    throw new TenonError("NodeBehind", "The new validator has not reached the head of the chain", {
      args: { node: node.name, itsBlock: candidate.head ?? "not told yet", chain: head },
      remedy: "Wait until it has caught up, then run the command again.",
    });
  }
  const after = view.validators.length + 1;
  const live = view.validators.filter((validator) => view.live.has(validator));
  if (live.length + 1 < quorumOf(after)) {
    throw new TenonError(
      "AdditionHalts",
      "With one more validator the live ones would not reach the quorum",
      {
        args: { afterwards: after, quorum: quorumOf(after), silent: silent(view.validators, view) },
        remedy: "Bring the silent validators back first: npx hardhat network status shows them.",
      },
    );
  }
}

/** The part of `checkAddition` that is known before the node runs. */
export function checkMayValidate(node: NodeEntry, { validators }: ValidatorView): void {
  if (validators.includes(node.address)) {
    throw new TenonError("ValidatorAlready", "This node is a validator of the chain already", {
      args: { node: node.name, address: node.address },
      remedy: "There is nothing to vote on.",
    });
  }
  if (node.ports.http !== null || node.ports.ws !== null) {
    throw new TenonError("ValidatorServesClients", "A validator answers no clients, and this node does", {
      args: { node: node.name, role: node.role },
      remedy: "Leave the name out: the command then makes a node that is a validator only.",
    });
  }
}

/** The same for taking a validator down for a while, for a backup for example. */
export function checkPause(target: Hex, view: ValidatorView): void {
  if (!view.validators.includes(target)) return;
  const others = view.validators.filter((validator) => validator !== target && view.live.has(validator));
  const quorum = quorumOf(view.validators.length);
  if (others.length >= quorum) return;
  throw new TenonError("PauseHalts", "Without this validator the chain would stop", {
    args: {
      node: view.nameOf(target),
      quorum,
      othersLive: others.length,
      silent: silent(view.validators, view),
    },
    remedy: "Bring the silent validators back first, or stop the whole network for it.",
  });
}

const names = (addresses: Hex[], { nameOf }: ValidatorView) => addresses.map(nameOf).join(", ") || "none";

const silent = (addresses: Hex[], view: ValidatorView) =>
  names(
    addresses.filter((address) => !view.live.has(address)),
    view,
  );

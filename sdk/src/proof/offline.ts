import { keccak256 } from "ethers";
import type { Hex } from "../bytes.js";
import type { Deployment } from "../deployment.js";
import { TenonError } from "../errors.js";
import type { DeviceKey } from "../frame/key.js";
import { type RpcSource, rpc } from "../rpc.js";
import { checkChain, type FrameProof, openFrame, type VerifiedStep, verifyFrameProof } from "./bundle.js";
import { findChanges, genesisHeader } from "./changes.js";
import { ProofError } from "./error.js";
import { offlineBundleFrom } from "./form.js";
import { defaultEpochLength, readGenesisFile } from "./genesis-file.js";
import { type RpcBlock, readHeader } from "./header.js";
import {
  checkValidators,
  quorumOf,
  readQbftHeader,
  type SealedHeader,
  sameSet,
  sealedHeader,
  verifyQbftSeals,
} from "./qbft.js";
import { isoTime, proveAnchor, proveDevice, verifyAnchor, verifyDevice } from "./records.js";
import type { StateProof } from "./state.js";
import { followValidators, setAt } from "./validators.js";

/**
 * Everything that proves a frame without a node: that the device signed it, that the AnchorLog accepted its batch, that
 * the device was registered then, and that a quorum of the network's validators sealed the block in which all this
 * stands. One file of JSON; docs/offline.md describes it.
 */
export interface OfflineBundle {
  readonly version: 1;
  /** The frame and its way to the block's receipts. Without an epoch path, which only contracts need. */
  readonly frame: FrameProof;
  /** The device's key: it hashes to the device's id, so it need not be trusted. */
  readonly deviceKey: DeviceKey;
  /** RLP of the header of block 0, which names the first validators. Its hash is in the deployment record. */
  readonly genesis: Hex;
  /** How the validators changed since: for each change the headers with the votes. */
  readonly changes: readonly (readonly Hex[])[];
  /** RLP of the header of the anchor's block, with its seals. */
  readonly header: Hex;
  /** What the contracts held after that block: the device's record, and the batch's commitment. */
  readonly device: StateProof;
  readonly anchor: StateProof;
}

/** What the verifier of a bundle believes beforehand. */
export interface OfflineTrust {
  /** Which contracts and which chain are the real ones. Its genesis hash vouches for the first validators. */
  readonly deployment: Deployment;
  /** The network's genesis file, parsed: then its chain id and its validators must be those of the record as well. */
  readonly genesis?: unknown;
  /** The validators in force at the anchor's block, if they come from elsewhere than the genesis block and votes. */
  readonly validators?: readonly string[];
}

/**
 * Checks an offline bundle, link by link; no node is asked. Takes an `OfflineBundle` or its JSON.
 * @throws ProofError naming the first link that does not hold.
 */
export function verifyOffline(source: unknown, trust: OfflineTrust): VerifiedStep[] {
  const bundle = offlineBundleFrom(source);
  const { deployment } = trust;
  const chain = checkChain(bundle.frame, deployment);
  const { validators, step } = trustedSet(bundle, trust);
  const header = verifyQbftSeals(bundle.header, validators);
  const { deviceKey, frame } = bundle;
  const framed = verifyFrameProof(frame, { trustedBlockHash: header.hash, deployment, deviceKey });
  const state = { stateRoot: header.stateRoot, deployment };
  return [
    chain,
    step,
    sealedStep(header),
    ...framed.filter(({ name }) => name !== "deployment"),
    ...checkDevice(bundle, state),
    ...verifyAnchor(bundle.anchor, frame.anchor, state),
  ];
}

/** The set in force at the bundle's block: from the genesis block and the votes since, and as the verifier says. */
function trustedSet(
  { genesis, changes, header }: OfflineBundle,
  { deployment, genesis: file, validators: given }: OfflineTrust,
): { validators: readonly Hex[]; step: VerifiedStep } {
  const name = "validators";
  if (keccak256(genesis) !== deployment.genesisHash) {
    throw new ProofError(name, "The genesis header is not the deployment's", {
      args: { expected: deployment.genesisHash, computed: keccak256(genesis) },
    });
  }
  const epochLength = file === undefined ? defaultEpochLength : checkGenesisFile(file, genesis, deployment);
  const { number } = readQbftHeader(header);
  const first = readQbftHeader(genesis);
  const sets = followValidators({ from: 1n, validators: first.validators }, changes, epochLength);
  const followed = setAt(sets, number);
  const changed = sets.length === 1 ? "" : `, changed by votes since (${sets.length - 1})`;
  if (given === undefined) {
    const detail = `${followed.length}, from genesis block ${deployment.genesisHash}${changed}`;
    return { validators: followed, step: { name, detail } };
  }
  const trusted = checkValidators(given);
  if (changes.length > 0 && !sameSet(followed, trusted)) {
    throw new ProofError(name, "The votes lead to other validators than the trusted ones", {
      args: { votes: followed.join(", "), trusted: [...trusted].join(", ") },
    });
  }
  return {
    validators: [...trusted],
    step: { name, detail: `${trusted.size}, named by the verifier${changed}` },
  };
}

/** That the genesis file is of the record's chain; answers its epoch length. */
function checkGenesisFile(value: unknown, genesis: Hex, { chainId }: Deployment): bigint {
  const file = readGenesisFile(value);
  const { extraData } = readHeader(genesis, "validators");
  if (file.chainId === chainId && file.extraData === extraData) return file.epochLength;
  throw new ProofError("validators", "The genesis file is of another chain than the deployment", {
    args: { chainId: file.chainId, expected: chainId, extraData: file.extraData, genesisBlock: extraData },
  });
}

function sealedStep({ number, timestamp, round, signers, validators }: SealedHeader): VerifiedStep {
  const [all, needed] = [validators.length, quorumOf(validators.length)];
  return {
    name: "seals",
    detail: `block ${number} of ${isoTime(timestamp)}, round ${round}, sealed by ${signers.length} of ${all} validators; ${needed} suffice`,
  };
}

function checkDevice(
  { frame, device }: OfflineBundle,
  state: { stateRoot: Hex; deployment: Deployment },
): VerifiedStep[] {
  const { header } = openFrame(frame.frame).frame;
  const { record, steps } = verifyDevice(device, header.device, state);
  if (record === undefined || header.epoch < record.epoch) {
    throw new ProofError("device record", "The device was not registered, or its epoch had ended", {
      args: { device: header.device, epoch: header.epoch, registered: record?.epoch ?? "never" },
    });
  }
  return steps;
}

/**
 * Asks a node for what an offline bundle holds beside the frame's proof. What is returned has been verified.
 * @param deviceKey The device's key as it was registered (`devices.history`).
 * @param trust As for `verifyOffline`: with `validators`, no votes are looked for.
 * @throws TenonError `HeaderNotQbft`, `StateUnavailable`, `ValidatorChangeUnproven`, `BlockChanged`; ProofError when the
 * node's answers do not fit together.
 */
export async function buildOfflineBundle(
  source: RpcSource,
  frame: FrameProof,
  deviceKey: DeviceKey,
  trust: OfflineTrust,
): Promise<OfflineBundle> {
  const { deployment, genesis: file, validators } = trust;
  const { number, hash } = frame.block;
  const block = (await rpc(source, "eth_getBlockByHash", [hash, false])) as RpcBlock | null;
  if (block === null) {
    throw new TenonError("BlockChanged", "The node does not have the frame's block", {
      args: { number, hash },
      remedy: "Ask a node that is synced; if all say so, ask the oracle for the frame's proof anew.",
    });
  }
  const { device } = openFrame(frame.frame).frame.header;
  const epochLength = file === undefined ? defaultEpochLength : readGenesisFile(file).epochLength;
  const bundle: OfflineBundle = {
    version: 1,
    frame: { ...frame, epochPath: [] },
    deviceKey,
    genesis: await genesisHeader(source),
    changes: validators === undefined ? await findChanges(source, number, epochLength) : [],
    header: sealedHeader(block),
    device: await proveDevice(source, deployment, device, number),
    anchor: await proveAnchor(source, deployment, frame.anchor, number),
  };
  verifyOffline(bundle, trust);
  return bundle;
}

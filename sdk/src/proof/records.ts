import { type AnchorData, commitmentOf, EPOCH } from "../anchor.js";
import { fromHex, type Hex } from "../bytes.js";
import { addressOf, type Deployment } from "../deployment.js";
import { holderOf } from "../devices/registration.js";
import type { Device } from "../devices.js";
import { TenonError } from "../errors.js";
import { enums } from "../revert.js";
import type { RpcSource } from "../rpc.js";
import type { VerifiedStep } from "./bundle.js";
import { ProofError } from "./error.js";
import { leafHash, verifyInclusion } from "./merkle.js";
import { mappingSlot, proveSlot, readAccount, readSlot, type StateProof, slotWord } from "./state.js";

/**
 * Where the contracts keep what is proven, as the compiler lays them out. The contracts cannot be upgraded, so these
 * numbers belong to the code hash that each proof shows; a test holds them against the compiler's own answer.
 */
export const storageLayout = {
  /** `DeviceRecords._words`, a mapping from the device's id to one word. */
  deviceRecords: 7n,
  /** `DeviceRecords._history`: by device, then by epoch, the words of past epochs. */
  deviceHistory: 8n,
  /** `DeviceRecords._keyIds`: by device, then by epoch. */
  deviceKeyIds: 9n,
  /** `AnchorLog._streams`, a mapping from the stream to its head, the ring of commitments, and the epochs' roots. */
  streams: 2n,
  ring: 1n,
  epochs: 1n + BigInt(EPOCH),
} as const;

/** What is trusted of a state: the root in a header whose seals or hash were checked, and which contracts are real. */
export interface TrustedState {
  readonly stateRoot: Hex;
  /** The record of the deployment, with the hashes of the contracts' code. */
  readonly deployment: Deployment;
}

/** Asks a node for the proof of a device's record after a block. */
export function proveDevice(
  source: RpcSource,
  deployment: Deployment,
  device: Hex,
  block: bigint,
): Promise<StateProof> {
  return proveSlot(source, addressOf(deployment, "DeviceRegistry"), deviceSlot(device), block);
}

/**
 * Checks the proof of a device's record: what the registry said of it after the block of the state.
 * @returns The record, undefined when the proof shows that the device was not registered.
 * @throws ProofError at step `contract code` or `device record`.
 */
export function verifyDevice(
  proof: StateProof,
  device: Hex,
  state: TrustedState,
): { record: Device | undefined; steps: VerifiedStep[] } {
  const step = "device record";
  const { word, code } = readContract("DeviceRegistry", step, deviceSlot(device), proof, state);
  // Under the id of a key that another device took over stands a mark, and no device can be registered there.
  const record = word === 0n || word === keyTaken ? undefined : deviceOfWord(device, word);
  const detail =
    record === undefined
      ? `device ${device} was not registered`
      : `${record.status}, epoch ${record.epoch}, held by ${record.owner} since ${isoTime(record.since)}`;
  return { record, steps: [code, { name: step, detail }] };
}

/**
 * Asks a node for the proof that a batch is anchored, after a block. The contract keeps the commitments of the last 1,024
 * batches of a stream one by one, of older ones the root of their epoch: then `epochPath` must be given.
 */
export function proveAnchor(
  source: RpcSource,
  deployment: Deployment,
  anchor: AnchorData,
  block: bigint,
  epochPath: readonly Hex[] = [],
): Promise<StateProof> {
  return proveSlot(source, addressOf(deployment, "AnchorLog"), anchorSlot(anchor, epochPath), block);
}

/**
 * Checks the proof that the AnchorLog held a batch after the block of the state.
 * @param epochPath The batch's path under its epoch root, when that is what the proof is of.
 * @throws ProofError at step `contract code` or `anchor record`.
 */
export function verifyAnchor(
  proof: StateProof,
  anchor: AnchorData,
  state: TrustedState,
  epochPath: readonly Hex[] = [],
): VerifiedStep[] {
  const step = "anchor record";
  const { word, code } = readContract("AnchorLog", step, anchorSlot(anchor, epochPath), proof, state);
  const commitment = commitmentOf(anchor);
  const { stream, batch } = anchor;
  const held =
    epochPath.length === 0
      ? slotWord(word) === commitment
      : verifyInclusion({
          leaf: leafHash(fromHex(commitment)),
          index: batch % EPOCH,
          size: EPOCH,
          path: epochPath.map((node) => fromHex(node)),
          root: fromHex(slotWord(word)),
        });
  if (!held) {
    throw new ProofError(step, "The AnchorLog did not hold this batch", {
      args: { stream, batch, commitment, slot: slotWord(word) },
    });
  }
  const place =
    epochPath.length === 0 ? `slot ${batch % EPOCH} of its ring` : `epoch ${Math.floor(batch / EPOCH)}`;
  return [
    code,
    { name: step, detail: `batch ${batch} of stream ${stream} is ${commitment}, held in ${place}` },
  ];
}

export function deviceSlot(device: Hex): Hex {
  return slotWord(mappingSlot(device, storageLayout.deviceRecords));
}

/** The ring's slot of a batch; the epoch's, when there is a path under the epoch's root. */
export function anchorSlot({ stream, batch }: AnchorData, epochPath: readonly Hex[] = []): Hex {
  const base = mappingSlot(BigInt(stream), storageLayout.streams);
  if (epochPath.length === 0) return slotWord(base + storageLayout.ring + BigInt(batch % EPOCH));
  return slotWord(mappingSlot(BigInt(Math.floor(batch / EPOCH)), base + storageLayout.epochs));
}

function readContract(
  name: "DeviceRegistry" | "AnchorLog",
  step: "device record" | "anchor record",
  slot: Hex,
  { accountPath, slotPath }: StateProof,
  state: TrustedState,
): { word: bigint; code: VerifiedStep } {
  const { storageRoot, step: code } = provenStorage(name, accountPath, state);
  return { word: readSlot(step, storageRoot, slot, slotPath), code };
}

/** The storage of a contract, which must have the code of the deployment record. Throws `ProofError` at `contract code`. */
export function provenStorage(
  name: "DeviceRegistry" | "AnchorLog",
  accountPath: readonly Hex[],
  { stateRoot, deployment }: TrustedState,
): { storageRoot: Hex; step: VerifiedStep } {
  const address = addressOf(deployment, name);
  const expected = codeHashOf(deployment, name);
  const account = readAccount("contract code", stateRoot, address, accountPath);
  if (account?.codeHash !== expected) {
    throw new ProofError("contract code", "The contract has not the code of the deployment record", {
      args: { contract: name, address, recorded: expected, proven: account?.codeHash ?? "no account" },
    });
  }
  const detail = `${name} ${address} has the recorded code, hash ${account.codeHash}`;
  return { storageRoot: account.storageRoot, step: { name: "contract code", detail } };
}

/** The mark of a used key (DeviceWord.sol). */
const keyTaken = 1n << 175n;

function codeHashOf(deployment: Deployment, name: "DeviceRegistry" | "AnchorLog"): Hex {
  const { runtimeCodeHash } = deployment.contracts[name];
  if (runtimeCodeHash !== undefined) return runtimeCodeHash.toLowerCase() as Hex;
  throw new TenonError(
    "CodeHashMissing",
    "The deployment record does not say which code its contracts have",
    {
      args: { contract: name },
      remedy: "Use the record as the deploy task wrote it.",
    },
  );
}

/**
 * A record's word, from the lowest bits: owner 32, maker 32, since 32, block 32, epoch 32, status 4, engaged, locked, access
 * stopped, one unused, curve 4, rotated, two unused, taken, and the open offer. Throws `ProofError` for anything else.
 */
export function deviceOfWord(id: Hex, word: bigint): Device {
  const bits = (from: number, count: number) => Number(BigInt.asUintN(count, word >> BigInt(from)));
  const flag = (at: number) => bits(at, 1) === 1;
  const status = enums.DeviceStatus[bits(160, 4)];
  if (status === undefined || status === "None" || word >> 240n !== 0n) {
    throw new ProofError("device record", "The registry's word is no device record", {
      args: { device: id, word: slotWord(word) },
    });
  }
  const organisation = bits(0, 32);
  return {
    id,
    owner: holderOf(organisation),
    organisation,
    maker: bits(32, 32),
    since: bits(64, 32),
    status,
    curve: bits(168, 4) as Device["curve"],
    epoch: bits(128, 32),
    block: bits(96, 32),
    engaged: flag(164),
    locked: flag(165),
    accessStopped: flag(166),
    rotated: flag(172),
  };
}

/** Where the registry keeps the word of an epoch of a device, and the id of its key where the word says `rotated`. */
export function epochSlots(device: Hex, epoch: number, present: number): { word: Hex; keyId: Hex } {
  const inMap = (base: bigint) => slotWord(mappingSlot(BigInt(epoch), mappingSlot(device, base)));
  const word = epoch === present ? deviceSlot(device) : inMap(storageLayout.deviceHistory);
  return { word, keyId: inMap(storageLayout.deviceKeyIds) };
}

/** Seconds since 1970 as an ISO time without fractions. */
export function isoTime(seconds: number | bigint): string {
  return new Date(Number(seconds) * 1000).toISOString().replace(".000Z", "Z");
}

import { keccak256 } from "ethers";
import { concatBytes, fromHex, type Hex, toHex, uintBytes } from "../bytes.js";
import { addressOf, type Deployment } from "../deployment.js";
import { TenonError } from "../errors.js";
import { type DeviceKey, deviceIdOf } from "../frame/key.js";
import type { VerifiedStep } from "../proof/bundle.js";
import { ProofError } from "../proof/error.js";
import { readHeader } from "../proof/header.js";
import { deviceOfWord, epochSlots, isoTime, provenStorage } from "../proof/records.js";
import { readSlot, slotWord } from "../proof/state.js";
import { sha256 } from "../sha256.js";
import { epochEvent, registryAbi } from "./events.js";
import { reading } from "./forms.js";
import type { Device, EpochEvent } from "./model.js";

export const HISTORY_FORMAT = "tenon-history-v1";

/** One event as it stands in the registry's log, bound to the one before. */
export interface HistoryEntry {
  /** Hash of the entry before; of the voucher's heading for the first. */
  readonly previous: Hex;
  readonly block: number;
  /** Index of the log within its block. */
  readonly logIndex: number;
  readonly topics: readonly Hex[];
  readonly data: Hex;
}

/** What the registry held after one block: the word of every epoch, the present one last, and the ids of later keys. */
export interface HistoryState {
  /** RLP of the block's header, whose hash is the block's. */
  readonly header: Hex;
  readonly accountPath: readonly Hex[];
  /** Trie nodes to the word of epoch 1, 2, … */
  readonly words: readonly (readonly Hex[])[];
  /** Trie nodes to the key id of each epoch whose word says that the key was replaced, in order. */
  readonly keyIds: readonly (readonly Hex[])[];
}

/** A device's whole history in one file: every entry hashes the one before, and a state proof ties all to one block. */
export interface HistoryVoucher {
  readonly format: typeof HISTORY_FORMAT;
  /** Decimal. */
  readonly chainId: string;
  readonly genesisHash: Hex;
  readonly registry: Hex;
  readonly device: Hex;
  readonly entries: readonly HistoryEntry[];
  /** Hash of the last entry. */
  readonly head: Hex;
  /** Left out where the node proves no state. */
  readonly state?: HistoryState;
}

/** What the verifier believes beforehand: the deployment, and a block or an entry. */
export interface HistoryTrust {
  readonly deployment: Deployment;
  /** Hash of the block of `state`, from a source of the verifier's own. */
  readonly trustedBlockHash?: Hex;
  /** Hash of an entry, from an earlier copy or from a bill of sale: it vouches for all entries up to it. */
  readonly trustedHead?: Hex;
}

/** What a voucher says once it has been checked. */
export interface VerifiedHistory {
  readonly events: readonly EpochEvent[];
  /** Each epoch as the state proves it; empty when only a head was trusted. */
  readonly epochs: readonly Device[];
  readonly steps: readonly VerifiedStep[];
}

/** The hash an entry's successor names: SHA-256 of `01 ‖ previous ‖ block u64 ‖ log index u32 ‖ topics u8 ‖ topics ‖ data`. */
export function historyEntryHash({ previous, block, logIndex, topics, data }: HistoryEntry): Hex {
  const place = [uintBytes(block, 8), uintBytes(logIndex, 4), uintBytes(topics.length, 1)];
  const said = [...topics.map((topic) => fromHex(topic, 32)), fromHex(data)];
  return toHex(sha256(concatBytes(Uint8Array.of(1), fromHex(previous, 32), ...place, ...said)));
}

/** What the first entry names: SHA-256 of `"tenon-history-v1" ‖ chain id (32) ‖ genesis hash ‖ registry ‖ device`. */
export function historyHeading(
  voucher: Pick<HistoryVoucher, "chainId" | "genesisHash" | "registry" | "device">,
): Hex {
  const { chainId, genesisHash, registry, device } = voucher;
  const name = Buffer.from(HISTORY_FORMAT, "ascii");
  const place = [uintBytes(BigInt(chainId), 32), fromHex(genesisHash, 32), fromHex(registry, 20)];
  return toHex(sha256(concatBytes(name, ...place, fromHex(device, 32))));
}

/** Reads a history voucher from JSON (parsed). Throws `FormInvalid`. */
export function historyVoucherFrom(value: unknown): HistoryVoucher {
  return reading(value, HISTORY_FORMAT, (part) => {
    const state = (value as { state?: unknown }).state === undefined ? undefined : part.part("state");
    return {
      format: HISTORY_FORMAT,
      chainId: part.big("chainId").toString(),
      genesisHash: part.hex("genesisHash", 32),
      registry: part.hex("registry", 20),
      device: part.hex("device", 32),
      entries: part.parts("entries").map((entry) => ({
        previous: entry.hex("previous", 32),
        block: entry.count("block"),
        logIndex: entry.count("logIndex"),
        topics: entry.hashes("topics"),
        data: entry.hex("data"),
      })),
      head: part.hex("head", 32),
      ...(state && {
        state: {
          header: state.hex("header"),
          accountPath: state.hexes("accountPath"),
          words: state.lists("words"),
          keyIds: state.lists("keyIds"),
        },
      }),
    };
  });
}

/**
 * Checks a device's history without a node: the chain of hashes, that the events follow from one another, and, against a
 * trusted block, that the registry held exactly these epochs.
 * @throws ProofError at step `deployment`, `history`, `block`, `contract code` or `device record`; TenonError
 * `FormInvalid`, `TrustMissing` when neither a block nor an entry is trusted.
 */
export function verifyHistory(source: unknown, trust: HistoryTrust): VerifiedHistory {
  const voucher = historyVoucherFrom(source);
  const { trustedBlockHash, trustedHead, deployment } = trust;
  if (trustedBlockHash === undefined && trustedHead === undefined) {
    throw new TenonError("TrustMissing", "A history is checked against something that is trusted already", {
      args: { device: voucher.device, head: voucher.head },
      remedy:
        "Give the hash of the voucher's block from your own node, or an entry's hash from an earlier copy.",
    });
  }
  requireDeployment(voucher, deployment);
  const hashes = checkChainOfHashes(voucher);
  const events = checkEvents(voucher);
  const { length } = voucher.entries;
  const chained = `${length} entries, each with the hash of the one before, the last ${voucher.head}`;
  const steps: VerifiedStep[] = [
    { name: "deployment", detail: `chain ${voucher.chainId}, DeviceRegistry ${voucher.registry}` },
    { name: "history", detail: chained },
  ];
  if (trustedHead !== undefined) steps.push(checkHead(voucher, hashes, trustedHead, trustedBlockHash));
  if (trustedBlockHash === undefined) return { events, epochs: [], steps };
  const { epochs, steps: proven } = checkState(voucher, events, trustedBlockHash, deployment);
  return { events, epochs, steps: [...steps, ...proven] };
}

function requireDeployment(voucher: HistoryVoucher, deployment: Deployment): void {
  const expected = {
    chainId: String(deployment.chainId),
    genesisHash: deployment.genesisHash as string,
    registry: addressOf(deployment, "DeviceRegistry").toLowerCase(),
  };
  for (const [field, value] of Object.entries(expected)) {
    const given = voucher[field as keyof typeof expected];
    if (given !== value) {
      throw new ProofError("deployment", "The history is of another deployment", {
        args: { field, expected: value, given },
      });
    }
  }
}

/** Answers the hash of every entry. */
function checkChainOfHashes(voucher: HistoryVoucher): Hex[] {
  let expected = historyHeading(voucher);
  const hashes = voucher.entries.map((entry, index) => {
    if (entry.previous !== expected)
      throw fault("An entry does not name the one before it", { index, expected });
    expected = historyEntryHash(entry);
    return expected;
  });
  if (voucher.head !== expected) throw fault("The head is not the last entry's hash", { expected });
  return hashes;
}

/** That the events are the registry's, of this device, and follow from one another. */
function checkEvents({ device, entries }: HistoryVoucher): EpochEvent[] {
  const events = entries.map((entry, index) => decoded(entry, device, index));
  const [first] = events;
  if (first?.kind !== "registered" || deviceIdOf(first.key) !== device) {
    throw fault("The history does not begin with the key that the device's id is the hash of", { device });
  }
  let owner = first.owner;
  // Block of the present epoch and of the one before: two events may begin one epoch.
  let [began, before] = [first.at.block, first.at.block];
  events.slice(1).forEach((event, i) => {
    const last = events[i]!;
    const index = i + 1;
    const sameEpoch = event.epoch === last.epoch && event.at.block === last.at.block;
    if (event.kind === "registered" || (!sameEpoch && event.epoch !== last.epoch + 1)) {
      throw fault("An epoch is missing or told twice", { index, epoch: event.epoch, after: last.epoch });
    }
    if (!inOrder(last, event)) throw fault("An entry stands before the one it follows", { index });
    if (!sameEpoch) [began, before] = [event.at.block, began];
    if (event.previousBlock !== before) {
      throw fault("An entry names another block than that of the epoch before", { index, expected: before });
    }
    if (event.kind !== "transferred") return;
    if (event.from !== owner) throw fault("A device was handed over by another than its owner", { index });
    owner = event.to;
  });
  return events;
}

function decoded(entry: HistoryEntry, device: Hex, index: number): EpochEvent {
  const event = registryAbi.parseLog({ topics: [...entry.topics], data: entry.data });
  const none = "0x" as Hex;
  const at = { block: entry.block, blockHash: none, transaction: none, logIndex: entry.logIndex };
  const read = event === null ? undefined : epochEvent({ event, at });
  if (read === undefined || read.id.toLowerCase() !== device) {
    throw fault("An entry is no event that began an epoch of the device", { index, topic: entry.topics[0] });
  }
  return read;
}

function inOrder(a: EpochEvent, b: EpochEvent): boolean {
  return a.at.block < b.at.block || (a.at.block === b.at.block && a.at.logIndex < b.at.logIndex);
}

function checkHead(
  voucher: HistoryVoucher,
  hashes: Hex[],
  trusted: Hex,
  block: Hex | undefined,
): VerifiedStep {
  const index = hashes.indexOf(trusted.toLowerCase() as Hex);
  if (index < 0) throw fault("The trusted entry is not part of the history", { trustedHead: trusted });
  const later = hashes.length - index - 1;
  if (later > 0 && block === undefined) {
    throw fault("Entries follow that nothing trusted vouches for", { trustedHead: trusted, later });
  }
  const detail = `entry ${index} is the trusted one; it vouches for ${index + 1} of ${voucher.entries.length}`;
  return { name: "history", detail };
}

function checkState(
  { state, device }: HistoryVoucher,
  events: readonly EpochEvent[],
  trustedBlockHash: Hex,
  deployment: Deployment,
): { epochs: Device[]; steps: VerifiedStep[] } {
  if (state === undefined) throw new ProofError("block", "The history carries no proof of state");
  const hash = keccak256(state.header);
  if (hash !== trustedBlockHash.toLowerCase()) {
    throw new ProofError("block", "The header is not the trusted block's", {
      args: { trusted: trustedBlockHash, computed: hash },
    });
  }
  const { stateRoot, number, timestamp } = readHeader(state.header, "block");
  const { storageRoot, step } = provenStorage("DeviceRegistry", state.accountPath, { stateRoot, deployment });
  const last = events.at(-1)!.epoch;
  const keyIds = [...state.keyIds];
  const keys = keysByEpoch(events);
  const epochs = Array.from({ length: last }, (_, i) => {
    const epoch = i + 1;
    const slots = epochSlots(device, epoch, last);
    const word = readSlot("device record", storageRoot, slots.word, state.words[i] ?? []);
    const record = word === 0n ? undefined : deviceOfWord(device, word);
    if (record === undefined || record.epoch !== epoch) throw unlike("epoch", epoch, record?.epoch);
    checkRecord(record, events, epoch);
    const keyId = record.rotated
      ? slotWord(readSlot("device record", storageRoot, slots.keyId, keyIds.shift() ?? []))
      : device;
    if (deviceIdOf(keys[i]!) !== keyId) throw unlike("key", deviceIdOf(keys[i]!), keyId);
    return record;
  });
  const present = epochs.at(-1)!;
  const whole = `${last} epochs, each as the registry holds it; now ${present.status}, held by ${present.owner}`;
  return {
    epochs,
    steps: [
      { name: "block", detail: `number ${number} of ${isoTime(timestamp)}, header hashes to ${hash}` },
      step,
      { name: "device record", detail: whole },
    ],
  };
}

/** The record of an epoch is what the events up to it made of the device. */
function checkRecord(record: Device, events: readonly EpochEvent[], epoch: number): void {
  const told = events.filter((event) => event.epoch <= epoch);
  const began = told.at(-1)!;
  if (record.block !== began.at.block) throw unlike("block", began.at.block, record.block);
  const owner = told.reduce((held, event) => {
    if (event.kind === "registered") return event.owner;
    return event.kind === "transferred" ? event.to : held;
  }, "");
  if (record.owner !== owner) throw unlike("owner", owner, record.owner);
  const first = told[0]!;
  if (first.kind === "registered" && record.maker !== first.manufacturer) {
    throw unlike("maker", first.manufacturer, record.maker);
  }
  const revoked = told.some(({ kind }) => kind === "revoked");
  if ((record.status === "Revoked") !== revoked) throw unlike("status", revoked, record.status);
}

/** The key in force in epoch 1, 2, … */
function keysByEpoch(events: readonly EpochEvent[]): DeviceKey[] {
  const keys: DeviceKey[] = [];
  for (const event of events) {
    keys[event.epoch - 1] = "key" in event ? event.key : (keys[event.epoch - 1] ?? keys[event.epoch - 2]!);
  }
  return keys;
}

function fault(message: string, args: Record<string, unknown>): ProofError {
  return new ProofError("history", message, { args });
}

function unlike(field: string, told: unknown, held: unknown): ProofError {
  return new ProofError("device record", "The registry held something else than the history tells", {
    args: { field, told, held: held ?? "nothing" },
  });
}

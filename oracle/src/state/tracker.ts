import type { DatabaseSync } from "node:sqlite";
import { equalBytes, type Hex } from "@tenon/sdk/bytes";
import { EpochState, type Fact } from "./epoch.js";
import { StateStore } from "./store.js";

/** A frame in log order, as the state machine needs it. */
export interface Arrival {
  num: number;
  device: Hex;
  epoch: number;
  seq: bigint;
  hash: Uint8Array;
  prev: Uint8Array;
  index: number;
  /** Milliseconds since 1970. */
  receivedAt: number;
}

/** What of a frame in the log the tracker may ask for again. */
export type ReadLogged = (index: number) => { prev: Uint8Array; receivedAt: number };

/** The contiguous head of an epoch: what a receipt confirms. */
export interface Head {
  device: Hex;
  epoch: number;
  contiguous: bigint;
  hash: Uint8Array;
  highest: bigint;
  headIndex: number;
  headAt: number;
}

interface Known {
  hash: Uint8Array;
  index: number;
  arrival: Arrival | undefined;
}

/** Gaps that a device may have open over all its epochs; filling them out of order may double it. */
export const MAX_RANGES = 65_536;
/** Epochs of one device. A new one begins only when a counter was lost. */
export const MAX_EPOCHS = 1_024;
/** Frames kept at one (epoch, seq): two prove the equivocation, and each more makes the next one dearer to judge. */
export const MAX_AT_PLACE = 16;

/** What the log would make of a frame. The limits keep one device from filling the memory or holding up the others. */
export type Judgement = "new" | "duplicate" | "too-many-gaps" | "too-many-epochs" | "too-many-equivocations";

/**
 * The order of each device's frames, by the rules of the frame format: a frame with an unknown predecessor opens a
 * gap, one that fills it moves the contiguous head, a `prev` that is not the hash of the known predecessor is a fork,
 * a second frame at one (epoch, seq) an equivocation. Deterministic in log order, so that a replay of the log ends in
 * the same state. Holds the frames since the last `save` in memory and asks the database for older ones.
 */
export class DeviceTracker {
  readonly #store: StateStore;
  readonly #readLogged: ReadLogged;
  readonly #epochs = new Map<string, EpochState>();
  /** The epochs seen of each device, the newest first. */
  readonly #byDevice = new Map<number, EpochState[]>();
  readonly #recent = new Map<string, Arrival[]>();
  readonly #dirtyEpochs = new Set<EpochState>();
  readonly #dirtyFacts = new Set<Fact>();
  #nextFact: number;

  /** Loads the state as of the last save. */
  constructor(db: DatabaseSync, readLogged: ReadLogged) {
    this.#store = new StateStore(db);
    this.#readLogged = readLogged;
    for (const state of this.#store.loadEpochs()) this.#keep(state);
    this.#nextFact = this.#store.lastFact() + 1;
  }

  /**
   * What `record` would make of a frame; changes nothing.
   * @param waiting Frames of the same (epoch, seq) that were judged new and are not recorded yet.
   */
  judge(frame: Pick<Arrival, "num" | "epoch" | "seq" | "hash">, waiting = 0): Judgement {
    const state = this.#epochs.get(epochKey(frame.num, frame.epoch));
    if (state === undefined && this.#epochsOf(frame.num).length >= MAX_EPOCHS) return "too-many-epochs";
    if (state?.has(frame.seq)) {
      const known = this.#known(state, frame.seq);
      if (known.some(({ hash }) => equalBytes(hash, frame.hash))) return "duplicate";
      return known.length + waiting >= MAX_AT_PLACE ? "too-many-equivocations" : "new";
    }
    if (waiting >= MAX_AT_PLACE) return "too-many-equivocations";
    return this.#hasRoom(frame.num, state, frame.seq) ? "new" : "too-many-gaps";
  }

  /** Takes a frame that `judge` called new and that stands in the log. */
  record(frame: Arrival): void {
    const state = this.#stateOf(frame);
    this.#dirtyEpochs.add(state);
    const again = state.has(frame.seq);
    if (again) {
      const first = this.#known(state, frame.seq)[0]!;
      this.#fact(state, { kind: "equivocation", seq: frame.seq, frame, otherIndex: first.index });
    }
    this.#checkPredecessor(state, frame);
    if (!again) {
      this.#checkSuccessors(state, frame);
      this.#place(state, frame);
    }
    const key = frameKey(state, frame.seq);
    const recent = this.#recent.get(key);
    if (recent === undefined) this.#recent.set(key, [frame]);
    else recent.push(frame);
    state.last = { seq: frame.seq, hash: frame.hash };
    if (!again) this.#advance(state, frame);
  }

  /** The head of the newest epoch seen of a device. */
  newestHead(num: number): Head | undefined {
    return this.#epochsOf(num)[0];
  }

  head(num: number, epoch: number): Head | undefined {
    return this.#epochs.get(epochKey(num, epoch));
  }

  /** Writes all changes since the last save. Call inside a transaction, and `saved` once it is committed. */
  save(): void {
    for (const frames of this.#recent.values()) for (const frame of frames) this.#store.saveFrame(frame);
    for (const fact of this.#dirtyFacts) this.#store.saveFact(fact);
    for (const state of this.#dirtyEpochs) this.#store.saveEpoch(state);
  }

  saved(): void {
    for (const state of this.#dirtyEpochs) {
      state.savedHighest = state.highest;
      state.changed.clear();
    }
    this.#recent.clear();
    this.#dirtyFacts.clear();
    this.#dirtyEpochs.clear();
  }

  /** Whether the gap that a new frame opens or splits may be kept. */
  #hasRoom(num: number, state: EpochState | undefined, seq: bigint): boolean {
    const open = () => this.#epochsOf(num).reduce((sum, { missing }) => sum + missing.length, 0);
    const highest = state?.highest ?? 0n;
    if (state === undefined || seq > highest) return seq === highest + 1n || open() < MAX_RANGES;
    const { from, to } = state.missing[state.rangeOf(seq)]!;
    return seq === from || seq === to || open() < 2 * MAX_RANGES;
  }

  #checkPredecessor(state: EpochState, frame: Arrival): void {
    const before = frame.seq - 1n;
    if (!state.has(before)) return;
    const { last } = state;
    if (last.seq === before && equalBytes(last.hash, frame.prev)) return;
    if (before === state.highest && equalBytes(state.highestHash, frame.prev)) return;
    const known = this.#known(state, before);
    if (known.some(({ hash }) => equalBytes(hash, frame.prev))) return;
    this.#fact(state, { kind: "fork", seq: frame.seq, frame, otherIndex: known[0]!.index });
  }

  /** A late predecessor: the frames that came before it now have something to be compared with. */
  #checkSuccessors(state: EpochState, frame: Arrival): void {
    const after = frame.seq + 1n;
    if (!state.has(after)) return;
    for (const { arrival, index } of this.#known(state, after)) {
      const prev = arrival === undefined ? this.#readLogged(index).prev : arrival.prev;
      if (equalBytes(prev, frame.hash)) continue;
      this.#fact(state, { kind: "fork", seq: after, frame: { ...frame, index }, otherIndex: frame.index });
    }
  }

  #place(state: EpochState, frame: Arrival): void {
    const { seq } = frame;
    if (seq > state.highest) {
      const from = state.highest + 1n;
      if (from < seq) {
        const fact = { kind: "gap", seq: from, seqTo: seq - 1n, frame, missing: seq - from } as const;
        state.open({ from, to: seq - 1n, gap: this.#fact(state, fact) });
      }
      state.highest = seq;
      state.highestHash = frame.hash;
      return;
    }
    const gap = state.fill(state.rangeOf(seq), seq);
    gap.missing -= 1n;
    if (gap.missing === 0n) {
      gap.closedIndex = frame.index;
      gap.closedAt = frame.receivedAt;
    }
    this.#dirtyFacts.add(gap);
  }

  #advance(state: EpochState, frame: Arrival): void {
    const reach = state.reach();
    if (reach === state.contiguous) return;
    state.contiguous = reach;
    if (reach === frame.seq) {
      [state.hash, state.headIndex, state.headAt] = [frame.hash, frame.index, frame.receivedAt];
      return;
    }
    const { hash, index, arrival } = this.#known(state, reach)[0]!;
    const headAt = arrival === undefined ? this.#readLogged(index).receivedAt : arrival.receivedAt;
    [state.hash, state.headIndex, state.headAt] = [hash, index, headAt];
  }

  /** The frames known at a place, in log order. */
  #known(state: EpochState, seq: bigint): Known[] {
    const old: Known[] = seq > state.savedHighest ? [] : this.#store.framesAt(state.num, state.epoch, seq);
    const recent = this.#recent.get(frameKey(state, seq)) ?? [];
    return old.concat(recent.map((arrival) => ({ hash: arrival.hash, index: arrival.index, arrival })));
  }

  #fact(
    state: EpochState,
    from: Pick<Fact, "kind" | "seq"> & Partial<Fact> & { frame: Pick<Arrival, "index" | "receivedAt"> },
  ): Fact {
    const { frame, ...given } = from;
    const fact: Fact = {
      id: this.#nextFact++,
      num: state.num,
      epoch: state.epoch,
      seqTo: given.seq,
      logIndex: frame.index,
      otherIndex: null,
      at: frame.receivedAt,
      missing: 0n,
      closedIndex: null,
      closedAt: null,
      ...given,
    };
    this.#dirtyFacts.add(fact);
    return fact;
  }

  #stateOf({ num, device, epoch }: Arrival): EpochState {
    const known = this.#epochs.get(epochKey(num, epoch));
    if (known !== undefined) return known;
    const state = new EpochState(num, device, epoch);
    this.#keep(state);
    return state;
  }

  #keep(state: EpochState): void {
    this.#epochs.set(epochKey(state.num, state.epoch), state);
    const epochs = [state, ...this.#epochsOf(state.num)].sort((a, b) => b.epoch - a.epoch);
    this.#byDevice.set(state.num, epochs);
  }

  #epochsOf(num: number): readonly EpochState[] {
    return this.#byDevice.get(num) ?? [];
  }
}

function epochKey(num: number, epoch: number): string {
  return `${num}:${epoch}`;
}

function frameKey(state: EpochState, seq: bigint): string {
  return `${state.num}:${state.epoch}:${seq}`;
}

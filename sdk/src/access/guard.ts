import { type Hex, toHex } from "../bytes.js";
import { FileLock } from "../device/lock.js";
import { TenonError } from "../errors.js";
import type { DeviceKey } from "../frame/key.js";
import { Challenges } from "./challenges.js";
import { type GuardState, MAX_GRANTEES, readGuardState, writeGuardState } from "./guard-state.js";
import { type DeviceOwner, handOverHash, readHandOver, readNotice } from "./hand-over.js";
import type { AccessJournal } from "./journal.js";
import {
  type AccessMessage,
  type AccessRequest,
  Kind,
  readRequest,
  requestHash,
  writeAnswer,
  writeDeviceProof,
} from "./messages.js";
import { type OfflinePass, readOfflinePass } from "./offline-pass.js";
import { type AccessReason, reasonNumber } from "./reasons.js";
import type { AccessDomain, AccessSigner } from "./signed.js";

export interface GuardOptions {
  /** The file that holds what the device remembers; a `.lock` file beside it keeps other processes out. */
  readonly path: string;
  /** The device's own key, or a secure element that has it. */
  readonly signer: AccessSigner;
  /** The device id, where the key is not the birth key any more. Default: the id of the signer's key. */
  readonly device?: Hex;
  readonly domain: AccessDomain;
  /**
   * The permissions that an action needs, all of which a request must ask for; `undefined` for an action that the device does not
   * know. `servicesOf` makes it from a table.
   */
  readonly needs: (action: Uint8Array) => bigint | undefined;
  /**
   * Seconds since 1970, from a clock that can be trusted (GNSS, NTS). Leave it out where there is none: then the time is
   * at least the latest that the owner signed, and a pass that ran out since still opens (docs/access.md).
   */
  readonly clock?: () => number;
  /** Milliseconds since the device started, never falling. Least intervals and challenges are timed by it. */
  readonly uptime?: () => number;
  /** Where decisions about passes of this owner are written before anything is done. */
  readonly journal?: AccessJournal;
}

/** What the device decided about a request. */
export interface AccessDecision {
  readonly reason: AccessReason;
  /** Set when allowed: what to do, by whose pass. */
  readonly allowed?: AllowedAccess;
  /** The answer to send. `result` counts only when allowed. */
  answer(result?: Uint8Array): AccessMessage;
}

export interface AllowedAccess {
  readonly pass: OfflinePass;
  readonly permissions: bigint;
  readonly action: Uint8Array;
}

/**
 * The device's side of an access: decides by itself, with no network, from what it remembers. It believes its present
 * owner's device-facing key and nobody else.
 *
 * What it remembers is on disk before an access is allowed, so no crash makes it allow the same request twice.
 */
export class DeviceGuard {
  readonly device: Hex;
  readonly #options: GuardOptions;
  readonly #lock: FileLock;
  readonly #uptime: () => number;
  readonly #challenges: Challenges;
  readonly #lastAccess = new Map<Hex, number>();
  readonly #refused = new Map<AccessReason, number>();
  #state: GuardState;
  #closed = false;

  private constructor(options: GuardOptions, lock: FileLock, state: GuardState) {
    this.#options = options;
    this.#lock = lock;
    this.#state = state;
    this.device = state.device;
    this.#uptime = options.uptime ?? (() => performance.now());
    this.#challenges = new Challenges(this.#uptime);
  }

  /**
   * Tells a device whom it belongs to: once at the start, or anew at the device itself when no hand-over of the old owner can be had
   * (recovery, a forced transfer). Whoever can call this owns the device, so it must need hands on it.
   * @throws TenonError `GuardEpochNotNewer` when the device already knows this epoch or a later one; `FileLocked`.
   */
  static commission(
    options: GuardOptions,
    to: { owner: DeviceOwner; epoch: number; time?: number },
  ): DeviceGuard {
    const lock = FileLock.acquire(`${options.path}.lock`);
    return orRelease(lock, () => {
      const known = readGuardState(options.path);
      if (known !== undefined && known.epoch >= to.epoch) {
        throw new TenonError(
          "GuardEpochNotNewer",
          "The device already knows an owner of this epoch or a later one",
          {
            args: { device: known.device, known: known.epoch, given: to.epoch },
            remedy: "Give the epoch that the registry shows for the device now.",
          },
        );
      }
      const device = options.device ?? options.signer.id;
      const state = freshState(options.domain, device, to.owner, to.epoch, to.time ?? 0);
      writeGuardState(options.path, state);
      return new DeviceGuard(options, lock, state);
    });
  }

  /** @throws TenonError `GuardNotCommissioned`, `GuardStateForeign`, `GuardStateDamaged`, `FileLocked`. */
  static open(options: GuardOptions): DeviceGuard {
    const lock = FileLock.acquire(`${options.path}.lock`);
    return orRelease(lock, () => {
      const state = readGuardState(options.path);
      if (state === undefined) {
        throw new TenonError("GuardNotCommissioned", "The device does not know whom it belongs to", {
          args: { path: options.path },
          remedy: "Commission it: give it its owner's device-facing key and its present epoch.",
        });
      }
      requireOwnState(state, options);
      return new DeviceGuard(options, lock, state);
    });
  }

  /** What the device remembers now. */
  get state(): GuardState {
    return this.#state;
  }

  /** How often it refused, by reason, since it started; requests that bring no valid pass are in no journal. */
  get refused(): ReadonlyMap<AccessReason, number> {
    return this.#refused;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#lock.release();
  }

  /** Answers a requester's challenge with the device's proof and a challenge of its own. */
  prove(requesterChallenge: Uint8Array): AccessMessage {
    const { domain, signer } = this.#options;
    const deviceChallenge = this.#challenges.give();
    const { epoch } = this.#state;
    const proof = { device: this.device, epoch, key: signer.key, requesterChallenge, deviceChallenge };
    return { kind: Kind.proof, proof: writeDeviceProof(domain, proof, signer) };
  }

  /**
   * Decides about a request. When it is allowed, what the device has to remember is on disk; the caller then acts and
   * sends the answer.
   */
  decide(passBytes: Uint8Array, requestBytes: Uint8Array): AccessDecision {
    const decision = this.#check(passBytes, requestBytes);
    const { reason, pass, request } = decision;
    if (pass !== undefined && request !== undefined) this.#record(reason, pass, request, requestBytes);
    if (reason !== "Allowed") this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
    const answer = (result = new Uint8Array()) => this.#answer(requestBytes, reason, result);
    if (reason !== "Allowed" || pass === undefined || request === undefined) return { reason, answer };
    const { permissions, action } = request;
    return { reason, allowed: { pass, permissions, action }, answer };
  }

  /**
   * Takes a hand-over that the present owner signed: a new owner or a new epoch begins, and everything it
   * remembers of grantees goes. `SignatureInvalid`, `DeviceMismatch` or `PassEpochEnded` when it is not one for this
   * device, now.
   * @throws TenonError `AccessMessageMalformed`.
   */
  takeHandOver(bytes: Uint8Array): AccessReason {
    const { message, device, fromEpoch, toEpoch, to, issuedAt, previous } = readHandOver(bytes);
    const state = this.#state;
    if (device !== this.device) return "DeviceMismatch";
    if (fromEpoch !== state.epoch || toEpoch <= fromEpoch) return "PassEpochEnded";
    const follows = previous === state.voucher;
    if (!follows || !message.signedBy(state.owner.key, this.#options.domain)) return "SignatureInvalid";
    const time = Math.max(state.knownTime, issuedAt);
    const fresh = freshState(this.#options.domain, this.device, to, toEpoch, time);
    this.#remember({ ...fresh, voucher: handOverHash(bytes) });
    this.#challenges.clear();
    this.#lastAccess.clear();
    return "Allowed";
  }

  /**
   * Takes a notice of the present owner: revoked passes, a stop, the time. `CounterSeen` when a later one was taken.
   * @throws TenonError `AccessMessageMalformed`, `GuardFull`.
   */
  takeNotice(bytes: Uint8Array): AccessReason {
    const { message, device, epoch, serial, issuedAt, stopped, revisions } = readNotice(bytes);
    const state = this.#state;
    if (device !== this.device) return "DeviceMismatch";
    if (epoch !== state.epoch) return "PassEpochEnded";
    if (!message.signedBy(state.owner.key, this.#options.domain)) return "SignatureInvalid";
    if (serial <= state.serial) return "CounterSeen";
    const grantees = new Map(state.grantees);
    for (const { grantee, rev } of revisions) {
      if (rev > (grantees.get(grantee)?.rev ?? 0)) grantees.set(grantee, { rev, counter: 0n });
    }
    const knownTime = Math.max(state.knownTime, issuedAt);
    this.#remember({ ...state, serial, stopped, knownTime, grantees });
    return "Allowed";
  }

  #check(passBytes: Uint8Array, requestBytes: Uint8Array): Checked {
    const request = orUndefined(() => readRequest(requestBytes));
    if (request === undefined || !this.#challenges.take(request.deviceChallenge))
      return { reason: "ChallengeFailed" };
    const read = this.#readPass(passBytes);
    if (typeof read === "string") return { reason: read };
    const { pass, requester, digest } = read;
    const meant = request.device === this.device && request.pass === digest;
    if (!meant || !request.message.signedBy(requester, this.#options.domain))
      return { reason: "ChallengeFailed" };
    const checked = { pass: read, request };
    const refusal = this.#refusal(read, request);
    this.#learn(read, refusal === undefined ? request.counter : undefined);
    if (refusal !== undefined) return { reason: refusal, ...checked };
    this.#lastAccess.set(pass.grantee, this.#uptime());
    return { reason: "Allowed", ...checked };
  }

  /** The pass if the present owner signed it for this device and epoch; what is public is checked before the signature. */
  #readPass(bytes: Uint8Array): OfflinePass | AccessReason {
    const { domain } = this.#options;
    let read: OfflinePass;
    try {
      read = readOfflinePass(domain, bytes);
    } catch (error) {
      if (!(error instanceof TenonError)) throw error;
      return error.code === "OfflinePassForeign" ? "DeviceMismatch" : "SignatureInvalid";
    }
    const { epoch, owner } = this.#state;
    if (read.pass.device !== this.device) return "DeviceMismatch";
    if (read.pass.epoch !== epoch) return "PassEpochEnded";
    const genuine = read.owner === owner.organisation && read.message.signedBy(owner.key, domain);
    return genuine ? read : "SignatureInvalid";
  }

  #refusal({ pass, issuedAt }: OfflinePass, request: AccessRequest): AccessReason | undefined {
    const memory = this.#state.grantees.get(pass.grantee) ?? { rev: 0, counter: 0n };
    const time = this.#time(issuedAt);
    if (this.#state.stopped) return "AccessStopped";
    if (pass.rev < memory.rev || pass.permissions === 0n) return "PassRevoked";
    if (time < pass.notBefore) return "PassNotYetValid";
    if (time >= pass.expiry) return "PassExpired";
    if (request.counter <= (pass.rev === memory.rev ? memory.counter : 0n)) return "CounterSeen";
    if (!this.#covered(request, pass.permissions)) return "PermissionMissing";
    return this.#tooFrequent(pass.grantee, pass.minInterval) ? "TooFrequent" : undefined;
  }

  /** Asks for something, for all that the action needs, and for no more than the pass gives. */
  #covered({ permissions, action }: AccessRequest, given: bigint): boolean {
    const needed = this.#options.needs(action);
    if (needed === undefined || permissions === 0n) return false;
    return (needed & ~permissions) === 0n && (permissions & ~given) === 0n;
  }

  /** The clock's time where there is one; else the latest time that the owner is known to have signed. */
  #time(issuedAt: number): number {
    return Math.max(this.#options.clock?.() ?? 0, this.#state.knownTime, issuedAt);
  }

  #tooFrequent(grantee: Hex, minInterval: number): boolean {
    const last = this.#lastAccess.get(grantee);
    return last !== undefined && this.#uptime() - last < 1_000 * minInterval;
  }

  /** Keeps what a pass of the owner teaches: its revision, a time that has passed, and a counter that was used. */
  #learn({ pass, issuedAt }: OfflinePass, counter: bigint | undefined): void {
    const state = this.#state;
    const memory = state.grantees.get(pass.grantee);
    const newer = pass.rev > (memory?.rev ?? 0);
    const knownTime = Math.max(state.knownTime, issuedAt);
    if (!newer && counter === undefined && knownTime === state.knownTime) return;
    const grantees = new Map(state.grantees);
    if (newer) grantees.set(pass.grantee, { rev: pass.rev, counter: counter ?? 0n });
    else if (counter !== undefined) grantees.set(pass.grantee, { rev: pass.rev, counter });
    this.#remember({ ...state, knownTime, grantees });
  }

  #remember(state: GuardState): void {
    if (state.grantees.size > MAX_GRANTEES) {
      throw new TenonError("GuardFull", "The device remembers as many grantees as it can", {
        args: { grantees: MAX_GRANTEES },
        remedy: "Let the owner begin a new epoch (rotate the device's key), or give passes to roles.",
      });
    }
    writeGuardState(this.#options.path, state);
    this.#state = state;
  }

  #record(reason: AccessReason, pass: OfflinePass, request: AccessRequest, bytes: Uint8Array): void {
    this.#options.journal?.append({
      time: this.#time(pass.issuedAt),
      device: this.device,
      grantee: pass.pass.grantee,
      epoch: pass.pass.epoch,
      permissions: request.permissions,
      reason: reasonNumber(reason),
      subject: pass.digest,
      request: requestHash(bytes),
    });
  }

  #answer(requestBytes: Uint8Array, reason: AccessReason, result: Uint8Array): AccessMessage {
    const { domain, signer } = this.#options;
    const content = reason === "Allowed" ? result : new Uint8Array();
    const answer = {
      request: requestHash(requestBytes),
      reason,
      nextChallenge: this.#challenges.give(),
      result: content,
    };
    return { kind: Kind.answer, answer: writeAnswer(domain, answer, signer) };
  }
}

interface Checked {
  readonly reason: AccessReason;
  /** Set once the pass is known to be the owner's and the requester its own. */
  readonly pass?: OfflinePass;
  readonly request?: AccessRequest;
}

function freshState(
  { chainId, access }: AccessDomain,
  device: Hex,
  owner: DeviceOwner,
  epoch: number,
  knownTime: number,
): GuardState {
  const voucher = toHex(new Uint8Array(32));
  const base = { device, chainId, access: access.toLowerCase(), owner: plainOwner(owner), epoch, voucher };
  return { ...base, knownTime, serial: 0, stopped: false, grantees: new Map() };
}

function plainOwner({ organisation, key }: DeviceOwner): DeviceOwner {
  const { curve, x, y }: DeviceKey = key;
  return { organisation, key: { curve, x, y } };
}

function requireOwnState(state: GuardState, { domain, device, signer, path }: GuardOptions): void {
  const expected = {
    device: device ?? signer.id,
    chainId: domain.chainId,
    access: domain.access.toLowerCase(),
  };
  const same =
    state.device === expected.device &&
    state.chainId === expected.chainId &&
    state.access === expected.access;
  if (same) return;
  const { chainId, access } = state;
  throw new TenonError(
    "GuardStateForeign",
    "The access state is another device's, or of another deployment",
    {
      args: { path, found: state.device, chainId, access, expected: expected.device },
      remedy: "Give each device a file of its own, and the deployment it was commissioned for.",
    },
  );
}

function orRelease<T>(lock: FileLock, work: () => T): T {
  try {
    return work();
  } catch (error) {
    lock.release();
    throw error;
  }
}

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof TenonError) return undefined;
    throw error;
  }
}

import { randomBytes } from "node:crypto";
import type { Hex } from "../bytes.js";
import { TenonError } from "../errors.js";
import { type DeviceKey, deviceIdOf } from "../frame/key.js";
import {
  type AccessMessage,
  CHALLENGE_LENGTH,
  type DeviceProof,
  Kind,
  readAnswer,
  requestHash,
  verifyDeviceProof,
  writeRequest,
} from "./messages.js";
import { type OfflinePass, readOfflinePass } from "./offline-pass.js";
import { type AccessReason, accessReasons, reasonRemedies } from "./reasons.js";
import type { AccessDomain, AccessSigner } from "./signed.js";

export interface RequesterOptions {
  readonly domain: AccessDomain;
  /** The key that the pass names. */
  readonly signer: AccessSigner;
  /** The offline pass as the owner issued it. */
  readonly pass: Uint8Array;
  /** The device's present key, from its DID document or pinned, where it is not the birth key any more. */
  readonly deviceKey?: DeviceKey;
  /** The next counter, higher than any before. Default: milliseconds since 1970, and always one more than the last. */
  readonly counter?: () => bigint;
}

/**
 * The requester's side of an access without a network. It tells a device nothing, not even its pass, before that device has
 * shown by its key that it is the one the pass is for.
 */
export class Requester {
  readonly pass: OfflinePass;
  readonly #options: RequesterOptions;
  readonly #challenge = new Uint8Array(randomBytes(CHALLENGE_LENGTH));
  #proof: DeviceProof | undefined;
  #deviceChallenge: Uint8Array | undefined;
  #open: Hex | undefined;
  #lastCounter = 0n;

  /** @throws TenonError `AccessMessageMalformed`, `OfflinePassForeign`, `RequesterKeyForeign` when the pass names another key. */
  constructor(options: RequesterOptions) {
    this.#options = options;
    this.pass = readOfflinePass(options.domain, options.pass);
    const named = deviceIdOf(this.pass.requester);
    if (named === options.signer.id) return;
    throw new TenonError("RequesterKeyForeign", "The pass names another key", {
      args: { named, given: options.signer.id },
      remedy: "Use the key that the pass was issued for.",
    });
  }

  hello(): AccessMessage {
    return { kind: Kind.hello, challenge: this.#challenge };
  }

  /** Takes the device's proof. @throws TenonError `DeviceProofForeign`, `AccessMessageMalformed`. */
  meet(proof: Uint8Array): DeviceProof {
    const { domain, deviceKey } = this.#options;
    const expected = { device: this.pass.pass.device, challenge: this.#challenge };
    const key = deviceKey === undefined ? {} : { key: deviceKey };
    this.#proof = verifyDeviceProof(domain, proof, { ...expected, ...key });
    this.#deviceChallenge = this.#proof.deviceChallenge;
    return this.#proof;
  }

  /** Asks for one action. @throws TenonError `DeviceUnproven` before the device has shown itself. */
  request(permissions: bigint, action: Uint8Array): AccessMessage {
    const { domain, signer, pass } = this.#options;
    const deviceChallenge = this.#deviceChallenge;
    if (deviceChallenge === undefined) {
      throw new TenonError("DeviceUnproven", "The device has not shown that it is the device", {
        args: { device: this.pass.pass.device },
        remedy: "Say hello, and take its proof or its last answer first.",
      });
    }
    this.#deviceChallenge = undefined;
    const { digest } = this.pass;
    const counter = this.#nextCounter();
    const wanted = {
      device: this.pass.pass.device,
      deviceChallenge,
      pass: digest,
      permissions,
      counter,
      action,
    };
    const request = writeRequest(domain, wanted, signer);
    this.#open = requestHash(request);
    return { kind: Kind.request, pass, request };
  }

  /**
   * Takes the device's answer and gives the result.
   * @throws AccessRefused with the reason; TenonError `AccessAnswerForeign` when the device did not sign it for this
   * request: whether anything was done is unknown then.
   */
  result(answer: Uint8Array): Uint8Array {
    const { reason, nextChallenge, result, request, message } = readAnswer(answer);
    const key = this.#proof?.key;
    if (key === undefined || request !== this.#open || !message.signedBy(key, this.#options.domain)) {
      throw new TenonError("AccessAnswerForeign", "The answer is not the device's to this request", {
        args: { device: this.pass.pass.device, request: this.#open, answered: request },
        remedy: "Meet the device again; it may have done what was asked, so look before asking anew.",
      });
    }
    this.#deviceChallenge = nextChallenge;
    this.#open = undefined;
    if (reason === "Allowed") return result;
    throw new AccessRefused(reason, { device: this.pass.pass.device, grantee: this.pass.pass.grantee });
  }

  #nextCounter(): bigint {
    const given = this.#options.counter?.() ?? BigInt(Date.now());
    this.#lastCounter = given > this.#lastCounter ? given : this.#lastCounter + 1n;
    return this.#lastCounter;
  }
}

/** A device, gateway or contract said no, and why. `code` is the reason. */
export class AccessRefused extends TenonError {
  readonly reason: AccessReason;

  constructor(reason: string, args: Record<string, unknown>) {
    const known = accessReasons.find(
      (one) => one === reason && one !== "Allowed",
    ) as keyof typeof reasonRemedies;
    super(reason, "Access was refused", {
      args,
      remedy: reasonRemedies[known] ?? "Use the SDK of the version that the device knows.",
    });
    this.name = "AccessRefused";
    this.reason = reason as AccessReason;
  }
}

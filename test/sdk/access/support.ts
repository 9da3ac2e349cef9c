import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AccessDomain,
  AccessJournal,
  type AccessPass,
  type AccessReason,
  type DeviceGuard,
  type GuardOptions,
  issueOfflinePass,
  Kind,
  keyGrantee,
  permissionsOf,
  Requester,
  serviceCall,
  servicesOf,
} from "../../../sdk/src/access/index.js";
import type { Hex } from "../../../sdk/src/bytes.js";
import { DeviceSigner } from "../../../sdk/src/device/key.js";
import { TenonError } from "../../../sdk/src/errors.js";
import type { DeviceKey } from "../../../sdk/src/frame/key.js";

export const domain: AccessDomain = { chainId: 31_337n, access: `0x${"ac".repeat(20)}` };
export const zeros = `0x${"00".repeat(32)}` as Hex;
export const grantee = keyGrantee(`0x${"b1".repeat(20)}`);
export const OWNER = 2;

/** A moment within the life of {@link passFor}'s passes. */
export const NOW = 1_900_000_000;

export const services = servicesOf({
  state: { permissions: ["readState"], run: () => ({ running: false }) },
  start: { permissions: ["startStop"], run: () => ({ running: true }) },
});

export function passFor(device: Hex, change: Partial<AccessPass> = {}): AccessPass {
  return {
    device,
    grantee,
    permissions: permissionsOf(["readState", "startStop"]),
    notBefore: 0,
    expiry: NOW + 3_600,
    epoch: 1,
    rev: 1,
    minInterval: 0,
    delegations: 0,
    endpointCommitment: zeros,
    envelopeHash: zeros,
    deadline: BigInt(NOW + 3_600),
    ...change,
  };
}

/** A device, its owner and a requester with a pass, in a folder of their own. */
export class OfflineWorld {
  readonly dir = mkdtempSync(join(tmpdir(), "tenon-access-"));
  readonly device = DeviceSigner.generate();
  readonly owner = DeviceSigner.generate();
  readonly requester = DeviceSigner.generate();
  time = NOW;
  uptime = 0;
  readonly #closing: { close(): void }[] = [];

  options(change: Partial<GuardOptions> = {}): GuardOptions {
    const clock = () => this.time;
    const { device: signer } = this;
    const path = join(this.dir, "guard.json");
    return { path, signer, domain, needs: services.needs, clock, uptime: () => this.uptime, ...change };
  }

  /** What a device without a clock is opened with. */
  withoutClock(): GuardOptions {
    const { clock: _, ...rest } = this.options();
    return rest;
  }

  get ownership() {
    return { owner: { organisation: OWNER, key: this.owner.key }, epoch: 1 };
  }

  journal(name = "access.log"): AccessJournal {
    return this.closing(AccessJournal.open(join(this.dir, name)));
  }

  closing<T extends { close(): void }>(thing: T): T {
    this.#closing.push(thing);
    return thing;
  }

  issue(
    change: Partial<AccessPass> = {},
    by: { owner?: DeviceSigner; organisation?: number; requester?: DeviceKey; issuedAt?: number } = {},
  ): Uint8Array {
    const { owner = this.owner, organisation = OWNER, requester = this.requester.key, issuedAt = NOW } = by;
    const pass = passFor(this.device.id, change);
    return issueOfflinePass(domain, { pass, owner: organisation, requester, issuedAt }, owner);
  }

  close(): void {
    for (const thing of this.#closing) thing.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

interface Attempt {
  pass: Uint8Array;
  signer: DeviceSigner;
  permissions?: readonly string[];
  service?: string;
  counter?: bigint;
  domain?: AccessDomain;
}

/** One whole access within this process: hello, proof, request, decision, answer. Gives the reason both sides saw. */
export function attempt(guard: DeviceGuard, { pass, signer, ...wanted }: Attempt): AccessReason {
  const { permissions = ["readState"], service = "state", counter } = wanted;
  const bound = wanted.domain ?? domain;
  const counting = counter === undefined ? {} : { counter: () => counter };
  const requester = new Requester({ domain: bound, signer, pass, ...counting });
  const hello = requester.hello();
  if (hello.kind !== Kind.hello) throw new TypeError("not a hello");
  const proof = guard.prove(hello.challenge);
  if (proof.kind !== Kind.proof) throw new TypeError("not a proof");
  requester.meet(proof.proof);
  const message = requester.request(permissionsOf(permissions), serviceCall(service));
  if (message.kind !== Kind.request) throw new TypeError("not a request");
  const decision = guard.decide(message.pass, message.request);
  const answer = decision.answer();
  if (answer.kind !== Kind.answer) throw new TypeError("not an answer");
  try {
    requester.result(answer.answer);
    return "Allowed";
  } catch (error) {
    if (error instanceof TenonError && error.code === decision.reason) return decision.reason;
    throw error;
  }
}

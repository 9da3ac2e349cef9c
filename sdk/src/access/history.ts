import type { Provider } from "ethers";
import type { Hex } from "../bytes.js";
import { addressOf, type Deployment } from "../deployment.js";
import { TenonError } from "../errors.js";
import { IConsortium__factory, IDeviceRegistry__factory } from "../generated/typechain/index.js";
import { type FoundEvent, findEvents, sameAddress } from "../logs.js";
import { enums } from "../revert.js";
import { type AccessEvent, accessEvents, type EventSource, type GrantedPass } from "./events.js";
import { granteeOf } from "./pass.js";
import type { AccessReason } from "./reasons.js";

/** One grantee's pass as it stood at a time. */
export interface StandingPass {
  readonly grantee: Hex;
  readonly pass: GrantedPass;
  /** `Allowed`: the grantee could use it then. Otherwise why not. */
  readonly reason: AccessReason;
}

/** Who could do what with a device at a time, and who did until then. */
export interface AccessReport {
  readonly device: Hex;
  /** Seconds since 1970. */
  readonly time: number;
  /** The last block up to that time: the report is true after it. */
  readonly block: number;
  readonly state: DeviceThen;
  readonly passes: readonly StandingPass[];
  readonly done: readonly AccessEvent[];
}

/** A device as it was after a block. */
export interface DeviceThen {
  /** `None` before it was registered. */
  readonly status: (typeof enums.DeviceStatus)[number];
  /** Number of the owner's organisation; 0 for none. */
  readonly owner: number;
  readonly epoch: number;
  readonly accessStopped: boolean;
  readonly engaged: boolean;
}

const registryAbi = IDeviceRegistry__factory.createInterface();
const consortiumAbi = IConsortium__factory.createInterface();

/**
 * Replays what the chain said up to `time`, by the contract's own rules. It needs events and no old state, so it works on
 * nodes that keep only the newest.
 * @throws TenonError `AuditTimeInvalid` for a time before the chain began or after its newest block.
 */
export async function auditAt(
  source: EventSource,
  deployment: Deployment,
  device: Hex,
  time?: number,
): Promise<AccessReport> {
  const { provider } = source;
  const { block, moment } = await blockAt(provider, time);
  const [state, members, events] = await Promise.all([
    deviceThen(provider, deployment, device, block),
    Members.load(provider, deployment, block),
    accessEvents(source, device, block),
  ]);
  const book = new PassBook(state, members, events, moment);
  return { device, time: moment, block, state, passes: book.passes(), done: events };
}

/** The last block whose time is not after `time`, by halving. */
async function blockAt(provider: Provider, time?: number): Promise<{ block: number; moment: number }> {
  const timeOf = async (number: number) => (await provider.getBlock(number))!.timestamp;
  let high = await provider.getBlockNumber();
  const newest = await timeOf(high);
  if (time === undefined) return { block: high, moment: newest };
  let low = 0;
  if (time < (await timeOf(0)) || time > Math.max(newest, Math.floor(Date.now() / 1000))) {
    throw new TenonError("AuditTimeInvalid", "The chain says nothing about this time", {
      args: { time, newest },
      remedy: "Give a time between the chain's first block and now, in seconds since 1970.",
    });
  }
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((await timeOf(middle)) <= time) low = middle;
    else high = middle - 1;
  }
  return { block: low, moment: time };
}

async function deviceThen(
  provider: Provider,
  deployment: Deployment,
  device: Hex,
  block: number,
): Promise<DeviceThen> {
  const address = addressOf(deployment, "DeviceRegistry");
  const fromBlock = deployment.contracts.DeviceRegistry.block;
  const find = (event: string) =>
    findEvents(provider, { address, abi: registryAbi, event, args: [device], fromBlock, toBlock: block });
  const registry = IDeviceRegistry__factory.connect(address, provider);
  const [epoch, changes, stops, allowances, transfers, engagements] = await Promise.all([
    registry.epochAtBlock(device, block),
    ...[
      "DeviceStatusChanged",
      "DeviceAccessStopped",
      "DeviceAccessAllowed",
      "DeviceTransferred",
      "DeviceEngaged",
    ].map(find),
  ]);
  const none = { status: "None", owner: 0, epoch: 0, accessStopped: false, engaged: false } as const;
  if (epoch === 0n) return none;
  const { org } = await registry.recordOfEpoch(device, epoch);
  const status = changes?.at(-1)?.event.args.to ?? 1n;
  const handed = transfers?.at(-1);
  return {
    status: enums.DeviceStatus[Number(status)]!,
    owner: Number(org),
    epoch: Number(epoch),
    // The next owner begins without the stop of the one before, and without the device's signature.
    accessStopped: isLast(stops?.at(-1), allowances?.at(-1), handed),
    engaged: handed === undefined || isLast(engagements?.at(-1), handed),
  };
}

/** Whether `event` came after all of `others`. */
function isLast(event: FoundEvent | undefined, ...others: (FoundEvent | undefined)[]): boolean {
  if (event === undefined) return false;
  const place = ({ at }: FoundEvent) => at.block * 1e6 + at.logIndex;
  return others.every((other) => other === undefined || place(other) < place(event));
}

interface MemberChange {
  readonly account: string;
  /** 0: of none any more. */
  readonly organisation: number;
  readonly at: FoundEvent["at"];
}

/** Who was a signatory of which organisation, and which organisations were active, at every block up to one. */
class Members {
  readonly #changes: readonly MemberChange[];
  readonly #statuses: ReadonlyMap<number, string>;

  private constructor(changes: readonly MemberChange[], statuses: ReadonlyMap<number, string>) {
    this.#changes = changes;
    this.#statuses = statuses;
  }

  static async load(provider: Provider, deployment: Deployment, block: number): Promise<Members> {
    const address = addressOf(deployment, "Consortium");
    const fromBlock = deployment.contracts.Consortium.block;
    const find = (event: string) =>
      findEvents(provider, { address, abi: consortiumAbi, event, fromBlock, toBlock: block });
    const [added, removed, replaced, changed] = await Promise.all(
      ["SignatoryAdded", "SignatoryRemoved", "SignatoryReplaced", "OrganisationStatusChanged"].map(find),
    );
    const changes = [
      ...added!.map(({ event: { args }, at }) => ({
        account: args.account,
        organisation: Number(args.org),
        at,
      })),
      ...removed!.map(({ event: { args }, at }) => ({ account: args.account, organisation: 0, at })),
      ...replaced!.flatMap(({ event: { args }, at }) => [
        { account: args.lost, organisation: 0, at },
        { account: args.replacement, organisation: Number(args.org), at },
      ]),
    ].sort((a, b) => a.at.block - b.at.block || a.at.logIndex - b.at.logIndex);
    const statuses = changed!.map(
      ({ event: { args } }) => [Number(args.org), enums.OrgStatus[Number(args.to)]!] as const,
    );
    return new Members(changes, new Map(statuses));
  }

  /** Organisation of an account after the event at `at`, or at the end; 0 for none. */
  of(account: string, at?: FoundEvent["at"]): number {
    const before = (one: { at: FoundEvent["at"] }) =>
      at === undefined ||
      one.at.block < at.block ||
      (one.at.block === at.block && one.at.logIndex < at.logIndex);
    return (
      this.#changes.findLast((one) => sameAddress(one.account, account) && before(one))?.organisation ?? 0
    );
  }

  isActive(organisation: number): boolean {
    return organisation !== 0 && (this.#statuses.get(organisation) ?? "Active") === "Active";
  }
}

/** The passes of one device, by the rules of the contract's `explain`. */
class PassBook {
  readonly #passes = new Map<Hex, { pass: GrantedPass; revoked: boolean }>();
  readonly #blocks = new Map<Hex, number>();
  readonly #state: DeviceThen;
  readonly #members: Members;
  readonly #time: number;

  constructor(state: DeviceThen, members: Members, events: readonly AccessEvent[], time: number) {
    this.#state = state;
    this.#members = members;
    this.#time = time;
    for (const event of events) {
      const standing = this.#passes.get(event.grantee);
      if (event.what === "granted") this.#passes.set(event.grantee, { pass: event, revoked: false });
      if (event.what === "revoked" && standing !== undefined) standing.revoked = true;
      if (event.what === "blocked" && "account" in granteeOf(event.grantee))
        this.#blocks.set(event.grantee, event.until);
    }
  }

  passes(): StandingPass[] {
    return [...this.#passes].map(([grantee, { pass }]) => ({ grantee, pass, reason: this.#reason(grantee) }));
  }

  #reason(grantee: Hex): AccessReason {
    const { status, accessStopped, engaged } = this.#state;
    if (status === "None") return "DeviceUnknown";
    if (status !== "Active") return "DeviceNotActive";
    if (accessStopped) return "AccessStopped";
    if (!engaged) return "DeviceNotEngaged";
    return this.#passReason(grantee);
  }

  #passReason(grantee: Hex): AccessReason {
    const { pass, revoked } = this.#passes.get(grantee)!;
    if (revoked) return "PassRevoked";
    if (pass.epoch !== this.#state.epoch) return "PassEpochEnded";
    if (this.#time < pass.notBefore) return "PassNotYetValid";
    if (this.#time >= pass.expiry) return "PassExpired";
    if (!this.#chainHolds(pass)) return "DelegationEnded";
    if (!this.#serves(grantee, pass)) return "RequesterSuspended";
    return this.#isBlocked(grantee) ? "Blocked" : "Allowed";
  }

  /** Every pass that this one was made from is the very one it was made from, and counts. */
  #chainHolds({ from }: GrantedPass): boolean {
    if (from === undefined) return true;
    const parent = this.#passes.get(from.grantee);
    if (parent === undefined || parent.revoked) return false;
    const { pass } = parent;
    const same = pass.rev === from.rev && pass.epoch === this.#state.epoch && this.#time < pass.expiry;
    if (!same || this.#isBlocked(from.grantee) || !this.#serves(from.grantee, pass)) return false;
    return this.#chainHolds(pass);
  }

  #isBlocked(grantee: Hex): boolean {
    return this.#time < (this.#blocks.get(grantee) ?? 0);
  }

  /** Whether the organisation behind a grantee is active; a key that had none when it got the pass answers for itself. */
  #serves(grantee: Hex, pass: GrantedPass): boolean {
    const named = granteeOf(grantee);
    if ("organisation" in named) return this.#members.isActive(named.organisation);
    if (this.#members.of(named.account, pass.at) === 0) return true;
    return this.#members.isActive(this.#members.of(named.account));
  }
}

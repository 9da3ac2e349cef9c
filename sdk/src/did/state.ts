import type { Result } from "ethers";
import { fromHex, type Hex } from "../bytes.js";
import { addressOf, type Deployment } from "../deployment.js";
import { type DeviceKey, deviceIdOf, P256 } from "../frame/key.js";
import { DeviceDocuments__factory, IDeviceRegistry__factory } from "../generated/typechain/index.js";
import { enums } from "../revert.js";
import { type RpcSource, rpc } from "../rpc.js";

/** Which version of a document: the newest, the one at the end of a block, or the one at the end of a second. */
export type VersionAt = { readonly block: number } | { readonly time: number } | undefined;

/** A change in a device's history: its block, and its time in seconds since 1970. */
export interface Moment {
  readonly block: number;
  readonly time: number;
}

/** What `DeviceDocuments` says of one version of a device's document. */
export interface DeviceVersion {
  /** The newest block when it was read. */
  readonly head: Moment;
  readonly created: Moment;
  readonly version: Moment;
  /** The change after this version. */
  readonly next: Moment | undefined;
  readonly deactivated: boolean;
  /** Number of the organisation that held the device. */
  readonly organisation: number;
  readonly epoch: number;
  /** As it is now, or as it was when the version's epoch ended. */
  readonly status: (typeof enums.DeviceStatus)[number];
  readonly keyId: Hex;
  /** The block whose log holds the key. */
  readonly keyBlock: number;
  /** How many publications there were by then. */
  readonly publications: number;
  /** What the owner had published, as bytes. */
  readonly published: Uint8Array;
}

const documents = DeviceDocuments__factory.createInterface();
const registry = IDeviceRegistry__factory.createInterface();
const registered = registry.getEvent("DeviceRegistered").topicHash;
const rotated = registry.getEvent("DeviceKeyRotated").topicHash;

/** Reads the chain for a resolver: a call for the version, and the log of one block for the key. */
export class DidState {
  constructor(
    private readonly source: RpcSource,
    private readonly deployment: Deployment,
  ) {}

  /** One call. `created` is at block 0 when that version does not exist. */
  async device(device: Hex, at: VersionAt): Promise<DeviceVersion> {
    const data =
      at === undefined
        ? documents.encodeFunctionData("resolve", [device])
        : "block" in at
          ? documents.encodeFunctionData("resolveAtBlock", [device, at.block])
          : documents.encodeFunctionData("resolveAtTime", [device, at.time]);
    const [resolution] = documents.decodeFunctionResult("resolve", await this.#call(data));
    return versionOf(resolution as Result);
  }

  /**
   * One `eth_getLogs` of one block, for one event. The key must hash to the id that the call gave: a node cannot put
   * another in its place.
   */
  async key(device: Hex, { keyId, keyBlock }: DeviceVersion): Promise<DeviceKey | undefined> {
    const block = `0x${keyBlock.toString(16)}`;
    const filter = {
      address: addressOf(this.deployment, "DeviceRegistry"),
      fromBlock: block,
      toBlock: block,
      // The birth key's id is the device's.
      topics: keyId === device ? [registered, device] : [rotated, device, keyId],
    };
    const logs = (await rpc(this.source, "eth_getLogs", [filter])) as { topics: string[]; data: string }[];
    const keys = logs.map((log) => {
      const { curve, x, y } = registry.parseLog(log)!.args.key;
      return { curve: Number(curve), x, y } as DeviceKey;
    });
    return keys.find((key) => deviceIdOf(key) === keyId);
  }

  /** One call. `status` is `None` for a number that was never given. */
  async organisation(organisation: number): Promise<OrganisationVersion> {
    const data = documents.encodeFunctionData("resolveOrganisation", [organisation]);
    const [found] = documents.decodeFunctionResult("resolveOrganisation", await this.#call(data));
    const { status, signatories, deviceFacing, encryption, disclosure } = found;
    return {
      status: enums.OrgStatus[Number(status)]!,
      signatories: [...signatories],
      deviceFacing: pointOf(deviceFacing),
      sealing: [encryption, disclosure].map(pointOf).filter((key) => key !== undefined),
    };
  }

  async #call(data: string): Promise<string> {
    const to = addressOf(this.deployment, "DeviceDocuments");
    return (await rpc(this.source, "eth_call", [{ to, data }, "latest"])) as string;
  }
}

export interface OrganisationVersion {
  readonly status: (typeof enums.OrgStatus)[number];
  readonly signatories: readonly string[];
  readonly deviceFacing: DeviceKey | undefined;
  readonly sealing: readonly DeviceKey[];
}

function versionOf(found: Result): DeviceVersion {
  const next = momentOf(found.next);
  return {
    head: momentOf(found.head),
    created: momentOf(found.created),
    version: momentOf(found.version),
    next: next.block === 0 ? undefined : next,
    deactivated: found.deactivated,
    organisation: Number(found.record.org),
    epoch: Number(found.record.epoch),
    status: enums.DeviceStatus[Number(found.record.status)]!,
    keyId: found.keyId,
    keyBlock: Number(found.keyBlock),
    publications: Number(found.publications),
    published: fromHex(found.document),
  };
}

/** Organisations' keys are P-256; zero where there is none. */
function pointOf({ x, y }: { x: Hex; y: Hex }): DeviceKey | undefined {
  return BigInt(x) === 0n && BigInt(y) === 0n ? undefined : { curve: P256, x, y };
}

function momentOf({ blockNumber, time }: { blockNumber: bigint; time: bigint }): Moment {
  return { block: Number(blockNumber), time: Number(time) };
}

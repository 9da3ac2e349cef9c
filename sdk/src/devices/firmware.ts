import { type Hex, toHex } from "../bytes.js";
import { addressOf, type Deployment } from "../deployment.js";
import type { RegistrationProof } from "../devices.js";
import { TenonError } from "../errors.js";
import { CborWriter, Major } from "../frame/cbor.js";
import type { DeviceKey } from "../frame/key.js";
import { IDeviceFirmware__factory } from "../generated/typechain/index.js";
import { eventIn, type FoundEvent, findEvents, type LogPosition } from "../logs.js";
import { type Connection, type Operation, operation } from "../operation.js";
import { enums, withTypedErrors } from "../revert.js";
import { sha256 } from "../sha256.js";
import { checkedId, knownDevice, lowProof, registryOf } from "./context.js";
import type { InstallationStatement } from "./installation.js";

export type FirmwareState = Exclude<(typeof enums.FirmwareState)[number], "None">;
export type FirmwareReason = (typeof enums.FirmwareReason)[number];

/** What a maker publishes: one SUIT manifest (RFC 9124) and its image. */
export interface NewRelease {
  /** Hash of maker and model as the devices name them: `modelHash`. */
  readonly modelHash: Hex;
  /** The manifest's sequence number: higher than that of every earlier release of the model. */
  readonly sequence: bigint | number;
  /** SHA-256 of the image. */
  readonly imageHash: Hex;
  /** SHA-256 of the signed manifest. */
  readonly manifestHash: Hex;
}

/** A release as it was published. */
export interface PublishedRelease extends NewRelease {
  readonly id: number;
  readonly model: number;
  readonly sequence: bigint;
  /** Number of the maker's organisation. */
  readonly organisation: number;
  /** Seconds since 1970; `withdrawnAt` is undefined while it stands. */
  readonly publishedAt: number;
  readonly withdrawnAt: number | undefined;
}

/** What a device attested last. */
export interface DeviceFirmware {
  readonly device: Hex;
  readonly release: number;
  readonly model: number;
  /** Never falls. */
  readonly sequence: bigint;
  /** Seconds since 1970. */
  readonly at: number;
  /** The device's epoch when it attested: an older one than the device's means, under an earlier owner or key. */
  readonly epoch: number;
  /** How often the device attested so far. */
  readonly count: number;
  readonly state: FirmwareState;
}

export interface FirmwareInstallation {
  readonly device: Hex;
  readonly release: number;
  readonly sequence: bigint;
  readonly epoch: number;
  readonly count: number;
  readonly at: LogPosition;
}

/** Firmware releases and what devices run. Writes are lazy: nothing is sent before `send` or `wait`. */
export interface Firmware {
  /** Publishes a release; answers its number. Sender: a manufacturer's signatory. */
  publish(release: NewRelease): Operation<{ release: number; model: number; at: LogPosition }>;
  /** Takes a release back for good. Sender: a manufacturer's signatory of the same organisation. */
  withdraw(release: number, reasonHash?: Hex): Operation<{ release: number; at: LogPosition }>;
  /** A release, or `undefined`. */
  release(id: number): Promise<PublishedRelease | undefined>;
  /** Every release of an organisation's model, in order. */
  releases(organisation: number, modelHash: Hex): Promise<PublishedRelease[]>;
  /**
   * What the device signs to attest a release; pass it to a device kit's `signInstallation`.
   * @throws TenonError with the reason when the device could not attest it: ask this before installing.
   */
  installation(device: Hex, release: number, deadline: bigint | number): Promise<InstallationStatement>;
  /** Records what the device signed. Sender: anyone. */
  install(
    statement: InstallationStatement,
    key: DeviceKey,
    proof: RegistrationProof,
  ): Operation<FirmwareInstallation>;
  /** Whether a device could attest a release now, or why not. */
  explain(device: Hex, release: number): Promise<FirmwareReason>;
  /** What a device runs by its own word, or `undefined`. */
  of(device: Hex): Promise<DeviceFirmware | undefined>;
  /** Every installation that a device attested, in order. */
  history(device: Hex): Promise<FirmwareInstallation[]>;
}

const abi = IDeviceFirmware__factory.createInterface();

/**
 * The hash that stands for a device model: SHA-256 of the deterministic CBOR array [oemid, hwmodel], the two claims of
 * an EAT (RFC 9711 §4.2.3, §4.2.4) by which devices and manifests name it.
 * @param oemId As in the claim: 3 bytes of IEEE, 16 random bytes, or a private enterprise number.
 * @param hardwareModel 1 to 32 bytes; a text stands for its UTF-8.
 */
export function modelHash(oemId: Uint8Array | number, hardwareModel: Uint8Array | string): Hex {
  const model = typeof hardwareModel === "string" ? Buffer.from(hardwareModel, "utf8") : hardwareModel;
  const oemFits = typeof oemId === "number" ? Number.isSafeInteger(oemId) : [3, 16].includes(oemId.length);
  if (model.length < 1 || model.length > 32 || !oemFits) {
    throw new TenonError("ModelInvalid", "Not an oemid and hwmodel of RFC 9711", {
      args: { oemId: typeof oemId === "number" ? oemId : toHex(oemId), modelBytes: model.length },
      remedy: "Give 3 or 16 bytes or a number for the maker, and 1 to 32 bytes for the model.",
    });
  }
  const writer = new CborWriter().head(Major.array, 2);
  if (typeof oemId === "number") writer.int(oemId);
  else writer.bytes(oemId);
  return toHex(sha256(writer.bytes(model).finish()));
}

export function firmwareOf(connection: Connection, deployment: Deployment): Firmware {
  const { provider } = connection;
  const address = addressOf(deployment, "DeviceFirmware");
  const contract = IDeviceFirmware__factory.connect(address, provider);
  const registry = registryOf(connection, deployment);
  const { block: fromBlock } = deployment.contracts.DeviceFirmware;
  const place = { chainId: BigInt(deployment.chainId), firmware: address };
  const find = (event: string, args: unknown[]) =>
    findEvents(provider, { address, abi, event, args, fromBlock });

  const release = async (id: number): Promise<PublishedRelease | undefined> => {
    const held = await withTypedErrors(() => contract.releaseOf(id));
    const [published] = await find("FirmwareReleased", [id]);
    if (held.publishedAt === 0n || published === undefined) return undefined;
    const [opened] = await find("FirmwareModelOpened", [held.model]);
    const { imageHash, manifestHash } = published.event.args;
    return {
      id,
      model: Number(held.model),
      modelHash: opened!.event.args.modelHash,
      sequence: held.sequence,
      imageHash,
      manifestHash,
      organisation: Number(held.org),
      publishedAt: Number(held.publishedAt),
      withdrawnAt: held.withdrawnAt === 0n ? undefined : Number(held.withdrawnAt),
    };
  };

  return {
    publish: ({ modelHash, sequence, imageHash, manifestHash }) =>
      operation(
        connection,
        {
          to: address,
          data: abi.encodeFunctionData("publish", [modelHash, sequence, imageHash, manifestHash]),
        },
        (logs) => {
          const { event, at } = eventIn(logs, abi, "FirmwareReleased");
          return { release: Number(event.args.release), model: Number(event.args.model), at };
        },
      ),
    withdraw: (id, reasonHash = toHex(new Uint8Array(32))) =>
      operation(
        connection,
        { to: address, data: abi.encodeFunctionData("withdraw", [id, reasonHash]) },
        (logs) => ({ release: id, at: eventIn(logs, abi, "FirmwareWithdrawn").at }),
      ),
    release,
    releases: async (organisation, hash) => {
      const model = await contract.modelIdOf(organisation, checkedId(hash));
      if (model === 0n) return [];
      const found = await find("FirmwareReleased", [null, model]);
      const all = await Promise.all(found.map(({ event }) => release(Number(event.args.release))));
      return all.filter((one) => one !== undefined);
    },
    installation: async (device, id, deadline) => {
      const { epoch } = await knownDevice(registry, device);
      const reason = await explained(device, id);
      if (reason !== "Installable") throw notInstallable(device, id, reason);
      const { manifestHash } = await contract.releaseOf(id);
      const { count } = await contract.installationOf(device);
      return {
        ...place,
        device: checkedId(device),
        epoch,
        release: id,
        manifestHash: manifestHash as Hex,
        count: Number(count),
        deadline: BigInt(deadline),
      };
    },
    install: (statement, key, proof) => {
      if (statement.firmware !== address || statement.chainId !== place.chainId)
        throw foreign(statement, address);
      const { r, s } = lowProof(key, proof);
      const { device, release: id, deadline } = statement;
      const data = abi.encodeFunctionData("install", [device, id, key, deadline, r, s]);
      return operation(connection, { to: address, data }, (logs) =>
        installed(eventIn(logs, abi, "FirmwareInstalled")),
      );
    },
    explain: (device, id) => explained(device, id),
    of: async (device) => {
      const last = await withTypedErrors(() => contract.installationOf(checkedId(device)));
      if (last.count === 0n) return undefined;
      return {
        device: checkedId(device),
        release: Number(last.release),
        model: Number(last.model),
        sequence: last.sequence,
        at: Number(last.installedAt),
        epoch: Number(last.epoch),
        count: Number(last.count),
        state: enums.FirmwareState[Number(await contract.stateOf(device))] as FirmwareState,
      };
    },
    history: async (device) => (await find("FirmwareInstalled", [checkedId(device)])).map(installed),
  };

  async function explained(device: Hex, id: number): Promise<FirmwareReason> {
    const reason = await withTypedErrors(() => contract.explain(checkedId(device), id));
    return enums.FirmwareReason[Number(reason)]!;
  }
}

function installed({ event, at }: FoundEvent): FirmwareInstallation {
  const { device, release, sequence, epoch, count } = event.args;
  return { device, release: Number(release), sequence, epoch: Number(epoch), count: Number(count), at };
}

const remedies: Partial<Record<FirmwareReason, string>> = {
  ReleaseUnknown: "Use the number of a release that was published.",
  ReleaseWithdrawn: "Install a later release: this one was taken back.",
  DeviceRevoked: "The device has ended; it attests nothing more.",
  OtherModel: "Install a release of the model that the device attested first.",
  Rollback: "Install a release with a sequence number at or above the device's.",
};

function notInstallable(device: Hex, release: number, reason: FirmwareReason): TenonError {
  return new TenonError("FirmwareNotInstallable", "The device must not install this release", {
    args: { device, release, reason },
    ...(remedies[reason] === undefined ? {} : { remedy: remedies[reason] }),
  });
}

function foreign({ firmware, chainId }: InstallationStatement, expected: string): TenonError {
  return new TenonError("InstallationForeign", "The statement was prepared for another contract or chain", {
    args: { firmware, chainId, expected },
    remedy: "Prepare it with firmware.installation of this client.",
  });
}

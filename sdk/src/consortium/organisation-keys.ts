import { createPublicKey, type KeyObject } from "node:crypto";
import { concatBytes, fromHex, type Hex, toHex } from "../bytes.js";
import { addressOf, type Deployment } from "../deployment.js";
import { TenonError } from "../errors.js";
import { IOrganisationKeys__factory } from "../generated/typechain/index.js";
import { eventIn, type FoundEvent, type LogPosition } from "../logs.js";
import { type Connection, type Operation, operation } from "../operation.js";
import { enums } from "../revert.js";

/**
 * What an organisation's key is for.
 * - DeviceFacing: signs what devices check without a network (ES256).
 * - Encryption: others seal to it what only this organisation shall read (HPKE).
 * - Disclosure: the same for a regulator; every sealed secret goes to these keys too.
 */
export type KeyUse = (typeof enums.KeyUse)[number];

/** A point of P-256. */
export interface PublicPoint {
  readonly x: Hex;
  readonly y: Hex;
}

/** One version of an organisation's key. */
export interface OrganisationKey extends PublicPoint {
  readonly organisation: number;
  readonly use: KeyUse;
  /** From 1. */
  readonly version: number;
  /** Seconds since 1970. */
  readonly since: number;
  /** The signatory that published it. */
  readonly publisher: string;
}

export interface KeyStep {
  readonly step: "published" | "withdrawn";
  readonly organisation: number;
  readonly use: KeyUse;
  readonly version: number;
  readonly by: string;
  readonly at: LogPosition;
}

/** Public keys of organisations for what happens off the chain. Writes are lazy. */
export interface OrganisationKeys {
  /**
   * Publishes a key in place of the one before. Sender: a device manager, for Disclosure a regulator.
   * @param key A point, or a P-256 key of node:crypto, of which only the public half is taken.
   */
  publish(use: KeyUse, key: PublicPoint | KeyObject): Operation<KeyStep>;
  /** Says that the present key must not be used any more. Sender: as for `publish`. */
  withdraw(use: KeyUse): Operation<KeyStep>;
  /** The key in force; `undefined` when there is none, or when it was withdrawn. */
  get(organisation: number, use: KeyUse): Promise<OrganisationKey | undefined>;
  /** One version of a key, for what was signed or sealed under it; `undefined` for an unknown or withdrawn one. */
  at(organisation: number, use: KeyUse, version: number): Promise<OrganisationKey | undefined>;
  /** The keys that every sealed secret goes to besides its readers. */
  disclosure(): Promise<OrganisationKey[]>;
}

const abi = IOrganisationKeys__factory.createInterface();

export function organisationKeysOf(connection: Connection, deployment: Deployment): OrganisationKeys {
  const address = addressOf(deployment, "OrganisationKeys");
  const contract = IOrganisationKeys__factory.connect(address, connection.provider);
  const number = (use: KeyUse) => enums.KeyUse.indexOf(use);
  const write = (data: string, event: "KeyPublished" | "KeyWithdrawn") =>
    operation(connection, { to: address, data }, (logs) => keyStep(eventIn(logs, abi, event)));

  return {
    publish: (use, key) => {
      const { x, y } = pointOf(key);
      return write(abi.encodeFunctionData("publish", [number(use), x, y]), "KeyPublished");
    },
    withdraw: (use) => write(abi.encodeFunctionData("withdraw", [number(use)]), "KeyWithdrawn"),
    get: async (organisation, use) => keyOrNone(await contract.keyOf(organisation, number(use))),
    at: async (organisation, use, version) =>
      keyOrNone(await contract.keyAt(organisation, number(use), version)),
    disclosure: async () => [...(await contract.disclosureKeys())].flatMap((key) => keyOrNone(key) ?? []),
  };
}

/** The 65 bytes `04 ‖ x ‖ y` (SEC 1, uncompressed), as HPKE and WebCrypto take a public key. */
export function rawPoint({ x, y }: PublicPoint): Uint8Array {
  return concatBytes(Uint8Array.of(4), fromHex(x, 32), fromHex(y, 32));
}

/** Throws `KeyUnsupported` for a key of another kind than P-256. */
function pointOf(key: PublicPoint | KeyObject): PublicPoint {
  if ("x" in key) return { x: toHex(fromHex(key.x, 32)), y: toHex(fromHex(key.y, 32)) };
  const { crv, x, y } = (key.type === "private" ? createPublicKey(key) : key).export({ format: "jwk" });
  if (crv === "P-256" && x !== undefined && y !== undefined) return { x: coordinate(x), y: coordinate(y) };
  throw new TenonError("KeyUnsupported", "An organisation's key is a P-256 key", {
    args: { curve: crv ?? "none" },
    remedy: "Make one: openssl ecparam -name prime256v1 -genkey -noout -out key.pem",
  });
}

function coordinate(base64url: string): Hex {
  return toHex(new Uint8Array(Buffer.from(base64url, "base64url")));
}

interface StoredKey {
  org: bigint;
  use: bigint;
  version: bigint;
  since: bigint;
  publisher: string;
  x: string;
  y: string;
}

function keyOrNone(stored: StoredKey): OrganisationKey | undefined {
  if (BigInt(stored.x) === 0n && BigInt(stored.y) === 0n) return undefined;
  return {
    organisation: Number(stored.org),
    use: useName(stored.use),
    version: Number(stored.version),
    since: Number(stored.since),
    publisher: stored.publisher,
    x: stored.x as Hex,
    y: stored.y as Hex,
  };
}

function keyStep({ event, at }: FoundEvent): KeyStep {
  const { org, use, version, by } = event.args;
  const step = event.name === "KeyPublished" ? "published" : "withdrawn";
  return { step, organisation: Number(org), use: useName(use), version: Number(version), by, at };
}

function useName(use: bigint): KeyUse {
  return enums.KeyUse[Number(use)] as KeyUse;
}

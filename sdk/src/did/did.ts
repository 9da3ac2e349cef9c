import { type DIDResolutionOptions, type DIDResolutionResult, Resolver } from "did-resolver";
import { fromHex, type Hex, toHex } from "../bytes.js";
import { addressOf, type Deployment } from "../deployment.js";
import { DeviceDocuments__factory } from "../generated/typechain/index.js";
import { eventIn, type LogPosition } from "../logs.js";
import { type Connection, type Operation, operation } from "../operation.js";
import { withTypedErrors } from "../revert.js";
import { type DereferencingResult, dereference } from "./dereference.js";
import { problemOf } from "./problem.js";
import { type DeviceDocument, type DeviceInterface, decodeDocument, encodeDocument } from "./publication.js";
import { resolverOf } from "./resolver.js";
import { deviceDid, organisationDid } from "./syntax.js";

/** What the chain said when a document was published. */
export interface Publication {
  readonly device: Hex;
  /** Number of the organisation that published. */
  readonly owner: number;
  /** Number among the device's publications, from 1. */
  readonly number: number;
  /** Epoch of the device; the publication counts in no other. */
  readonly epoch: number;
  /** keccak256 of the published bytes. */
  readonly documentHash: Hex;
  readonly at: LogPosition;
}

/** DIDs of this deployment: what they are, what stands behind them, and what owners say there of their devices. */
export interface Dids {
  /** The DID of a device id, registered or not. */
  ofDevice(device: Hex): string;
  ofOrganisation(organisation: number): string;
  /**
   * Resolves a DID or DID URL of this deployment (`?versionId=`, `?versionTime=`), with two RPC calls at most. Failures stand in
   * `didResolutionMetadata`: `error` is a keyword, `problem` the same as RFC 9457.
   */
  resolve(didUrl: string, options?: DIDResolutionOptions): Promise<DIDResolutionResult>;
  /** Gets what a DID URL points at: a key or a service by its fragment, endpoints by `?service=`. */
  dereference(didUrl: string, options?: DIDResolutionOptions): Promise<DereferencingResult>;
  /** Publishes what the device offers, in place of what was there. Sender: a device manager of the owner. */
  publish(device: Hex, document: DeviceDocument): Operation<Publication>;
  /** What the owner has published and what counts now; empty lists when nothing does. One RPC call. */
  published(device: Hex): Promise<Required<DeviceDocument>>;
  /** What a device offers, and under which permissions. */
  interfaces(device: Hex): Promise<readonly DeviceInterface[]>;
}

const abi = DeviceDocuments__factory.createInterface();

export function didsOf(connection: Connection, deployment: Deployment): Dids {
  const address = addressOf(deployment, "DeviceDocuments");
  const contract = DeviceDocuments__factory.connect(address, connection.provider);
  const resolver = new Resolver({ tenon: resolverOf(connection.provider, deployment) });
  const published = async (device: Hex) => {
    const { document } = await withTypedErrors(() => contract.resolve(toHex(fromHex(device, 32))));
    return decodeDocument(fromHex(document));
  };
  return {
    ofDevice: (device) => deviceDid(deployment.chainId, device),
    ofOrganisation: (organisation) => organisationDid(deployment.chainId, organisation),
    resolve: async (didUrl, options) => {
      const result = await resolver.resolve(didUrl, options);
      const { error, problem } = result.didResolutionMetadata;
      if (error === undefined || problem !== undefined) return result;
      return { ...result, didResolutionMetadata: { error, ...problemOf(error, didUrl) } };
    },
    dereference: (didUrl, options) => dereference(resolver, didUrl, options),
    publish: (device, document) =>
      operation(connection, { to: address, data: publishCall(device, document) }, (logs) => {
        const { event, at } = eventIn(logs, abi, "DocumentPublished");
        const { owner, number, epoch, documentHash } = event.args;
        return {
          device: event.args.device,
          owner: Number(owner),
          number: Number(number),
          epoch: Number(epoch),
          documentHash,
          at,
        };
      }),
    published,
    interfaces: async (device) => (await published(device)).interfaces,
  };
}

function publishCall(device: Hex, document: DeviceDocument): Hex {
  const id = toHex(fromHex(device, 32));
  return abi.encodeFunctionData("publish", [id, encodeDocument(document)]) as Hex;
}
